"""Two thousand photos into folders and back, under bad conditions: python tools/sorting.py

Names are odd, and many are equal. They are linked, copied to another disk (/dev/shm), moved there, moved while the process
is killed again and again, sorted onto a disk that is too small (a tmpfs, where this may be mounted), and moved from a
folder that may not be changed (as another user). After `unsort`, every file must be where it was, with its bytes, time and
mode, and nothing else. Writes results/sorting.json."""
import os, random, shutil, signal, subprocess, sys, tempfile, time
from pathlib import Path
from PIL import Image
from animal_cls.answers import Answers, sort_into, table_row, unsort
from animal_cls.core import UserError
from animal_cls.evaluate import save_results

N, ROOT, NOBODY = 2000, os.getuid() == 0, 65534
NAMES = ['1.jpg', 'IMG 1.JPG', 'img 1.jpg', 'ü.jpeg', "it's.jpg", 'say "hi".jpg', 'two\nlines.jpg', 'cr\rhere.jpg',
         '-rf.jpg', 'no ending', '.hidden.jpg', 'a,b;c.jpg', 'x'*250 + '.jpg', os.fsdecode(b'\xff\xfe.jpg')]

def tree(folder): # path -> what a file is
    found = {}
    for p in map(Path, (os.path.join(d, f) for d, _, files in os.walk(folder) for f in files)):
        found[str(p.relative_to(folder))] = p.read_bytes(), p.stat().st_mtime_ns, p.stat().st_mode
    return found

def make(folder):
    rng = random.Random(0)
    for k in range(N):
        file = folder/f'{k//len(NAMES):03}'/NAMES[k % len(NAMES)]
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new('RGB', (8, 8), tuple(rng.randbytes(3))).save(file, 'JPEG')
        file.write_bytes(file.read_bytes() + b'%d' % k)
        os.utime(file, ns=(k, 10**18 + k))

def answer(k, path): # a third is not sure, or none of these
    return dict(path=path, label=('gatto', 'cane', '../up')[k % 3], english='', probability=.5, sure=k % 6 != 0,
                known=k % 7 != 0, probabilities=dict(gatto=.5, cane=.5))

def table(folder, file):
    paths = sorted(str(folder/p) for p in tree(folder))
    answers = Answers(file, 'net')
    answers.add([table_row(answer(k, p)) for k, p in enumerate(answers.left(paths))])
    answers.finish()
    return file

def killed(file, to, move):
    "The same in a process of its own that is killed five times."
    code = f'import sys; from animal_cls.answers import sort_into; sort_into({str(file)!r}, {str(to)!r}, {move})'
    for k in range(5):
        p = subprocess.Popen([sys.executable, '-c', code])
        while not to.exists() and p.poll() is None: time.sleep(.01)
        time.sleep(.02*(k + 1))
        p.send_signal(signal.SIGKILL)
        p.wait()
    return sort_into(file, to, move)

def attempt(name, tmp, to, f, move=False, mine={}):
    "Sort and undo; what went wrong, and how many files were where."
    source, file = tmp/'photos', tmp/f'{name}.csv'
    before, there = tree(source), tree(to)
    table(source, file)
    try: bad = len(f(file, to, move))
    except UserError as e: bad = str(e)[:120]
    here, now = tree(source), tree(to)
    kept = {v[0] for v in here.values()} | {v[0] for v in now.values()}
    assert {v[0] for v in before.values()} <= kept, f'{name}: something is lost'
    assert all(now.get(p) == v for p, v in there.items()), f'{name}: something was overwritten'
    sorted_now = len(now) - len(there)
    undone = len(unsort(file))
    assert tree(source) == before and tree(to) == there, f'{name}: not as before'
    return dict(case=name, sorted=sorted_now, refused=bad, not_undone=undone)

def main():
    rows = []
    with tempfile.TemporaryDirectory() as tmp, tempfile.TemporaryDirectory(dir='/dev/shm') as other:
        tmp, other = Path(tmp), Path(other)
        make(tmp/'photos')
        rows.append(attempt('linked', tmp, tmp/'sorted', sort_into))
        rows.append(attempt('moved', tmp, tmp/'sorted', sort_into, True))
        (tmp/'taken'/'gatto').mkdir(parents=True)
        for name in '1.jpg', 'IMG 1.JPG', '1-1.jpg': (tmp/'taken'/'gatto'/name).write_text('mine')
        rows.append(attempt('beside others', tmp, tmp/'taken', sort_into, True))
        rows.append(attempt('copied to another disk', tmp, other/'sorted', sort_into))
        rows.append(attempt('moved to another disk', tmp, other/'sorted', sort_into, True))
        rows.append(attempt('moved, killed five times', tmp, other/'sorted', killed, True))
        small = tmp/'small'
        small.mkdir()
        if ROOT and not subprocess.call(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'none', small], stderr=subprocess.DEVNULL):
            rows.append(attempt('moved to a full disk', tmp, small/'sorted', sort_into, True))
            subprocess.call(['umount', small])
        if ROOT: rows.append(as_nobody(tmp))
    for row in rows: print(row)
    save_results(dict(photos=N, cases=rows), Path('results')/'sorting.json')

def as_nobody(tmp):
    "Another user may read the photos, but not take them away."
    shutil.copytree(tmp/'photos', tmp/'theirs'/'photos')
    for p in [tmp, tmp/'theirs']: p.chmod(0o777)
    before = tree(tmp/'theirs'/'photos')
    if (child := os.fork()) == 0:
        try:
            os.setuid(NOBODY)
            bad = sort_into(table(tmp/'theirs'/'photos', tmp/'theirs'/'no rights.csv'), tmp/'theirs'/'sorted', True)
            os._exit(0 if len(bad) == N and not tree(tmp/'theirs'/'sorted') else 1)
        finally: os._exit(2)
    assert os.waitpid(child, 0)[1] == 0 and tree(tmp/'theirs'/'photos') == before, 'photos of others have changed'
    return dict(case='moved without rights', sorted=0, refused=N, not_undone=0)

if __name__ == '__main__': main()
