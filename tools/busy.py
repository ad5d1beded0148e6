"""How does training get on beside other programs? python tools/busy.py [ROUNDS]

Times `animal_cls train` on the drawn sample as a whole process: alone, beside a busy loop for each core, bound to one
core, and within a quota of one CPU (as root, where control groups can be made); the last two also with
OMP_NUM_THREADS=1. Takes turns for ROUNDS (3) rounds. Writes results/busy.json."""
import contextlib, os, statistics, subprocess, sys, tempfile, time
from pathlib import Path
from animal_cls.core import cores
from animal_cls.data import get_data
from animal_cls.evaluate import save_results
from animal_cls.model import read_header

GROUP = Path('/sys/fs/cgroup/cpu/animal_cls')
COMMAND = [sys.executable, '-m', 'animal_cls', 'train', '--epochs', '6', '--quiet', '--out']

@contextlib.contextmanager
def beside(n):
    "Busy loops, on all cores."
    loops = [subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(n)]
    try: yield
    finally:
        for p in loops: p.kill()

def join_quota(): # in the child, before it runs
    (GROUP/'cgroup.procs').write_text(str(os.getpid()))

def can_limit():
    "Make a control group that may use one CPU."
    try:
        GROUP.mkdir(exist_ok=True)
        (GROUP/'cpu.cfs_quota_us').write_text('100000')
    except OSError: return False
    return True

def clock(where, single):
    "Seconds of one training process, its threads, and what it said about them."
    env = os.environ | (dict(OMP_NUM_THREADS='1') if single else {})
    bound = ['taskset', '-c', '0']*(where == 'one core')
    with tempfile.TemporaryDirectory() as tmp, beside(cores()*(where == 'busy')):
        begun = time.time()
        done = subprocess.run(bound + COMMAND + [tmp], env=env, capture_output=True, text=True,
                              preexec_fn=join_quota if where == 'quota' else None)
        seconds = time.time() - begun
        assert done.returncode == 0, done.stderr
        return dict(seconds=seconds, threads=read_header(Path(tmp)/'weights.safetensors')['threads'],
                    said=[line for line in done.stderr.splitlines() if 'cores busy' in line])

get_data() # the sample is drawn
ways = [('alone', False), ('busy', False), ('one core', False), ('one core', True)]
if can_limit(): ways += [('quota', False), ('quota', True)]
runs = {f'{where}, OMP_NUM_THREADS=1' if single else where: [] for where, single in ways}
for _ in range(int((sys.argv[1:] or [3])[0])):
    for name, way in zip(runs, ways):
        runs[name].append(clock(*way))
        print(name, runs[name][-1], flush=True)
if GROUP.exists(): GROUP.rmdir()
median = {name: statistics.median(r['seconds'] for r in rows) for name, rows in runs.items()}
save_results(dict(what='training beside other programs, whole processes', runs=runs, median=median,
                  busy_over_alone=median['busy']/median['alone']), Path('results')/'busy.json')
