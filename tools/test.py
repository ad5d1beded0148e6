"""All that must hold: clean and export leave no diff, README is what index.ipynb says, every notebook runs, tools/gpu.py runs on a machine without a card, the site builds and its links hold; with ANIMAL_CLS_LAB=1 also the
notebooks in a real JupyterLab and the site in a real browser. Ends with 'N passed, N failed'."""
import os, subprocess, sys, time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

root = Path(__file__).resolve().parent.parent
bin = Path(sys.executable).parent
os.environ |= dict(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', PATH=f"{bin}{os.pathsep}{os.environ['PATH']}", MPLBACKEND='agg')

def call(*args):
    "Run a command in the project's folder: did it work, what did it print."
    p = subprocess.run([str(a) for a in args], cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors='replace')
    return p.returncode == 0, p.stdout

def sources():
    "What clean and export may not change: notebooks and exported modules, byte for byte."
    return {p: p.read_bytes() for pattern in ('nbs/*.ipynb', 'animal_cls/*.py') for p in root.glob(pattern)}

def check_clean():
    "nbdev_clean and nbdev_export leave no diff."
    before = sources()
    for command in ('nbdev_clean', 'nbdev_export'):
        ok, said = call(bin/command)
        if not ok: return False, said
    after = sources()
    changed = sorted(str(p.relative_to(root)) for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    return not changed, 'changed by clean and export: ' + ', '.join(changed)

def check_readme():
    "README.md is what index.ipynb says."
    return call(sys.executable, 'tools/readme.py', '--check')

def check_notebook(nb):
    "Every cell of a notebook runs."
    return call(bin/'nbdev_test', '--path', nb, '--n_workers', '0', '--do_print')

notebooks = sorted(p for p in root.glob('nbs/*.ipynb') if not p.name.startswith(('.', '_')))
checks = [('clean and export', check_clean), ('README', check_readme)] + [(nb.name, lambda nb=nb: check_notebook(nb)) for nb in notebooks]
checks.append(('graphics card, tiny', lambda: call(sys.executable, 'tools/gpu.py', '--tiny', '--plant')))
checks.append(('site', lambda: call(sys.executable, 'tools/docs.py')))
in_browser = [(name, lambda tool=tool: call(sys.executable, tool)) for name, tool in (('site in Chromium', 'tools/look.py'), ('notebooks in JupyterLab', 'tools/lab.py'))]

def run(check):
    "One check, its result printed at once."
    name, f = check
    start = time.time(); ok, said = f()
    skipped = ''.join(f'\n{l}' for l in said.splitlines() if l.startswith('SKIPPED'))
    print(f"{'ok    ' if ok else 'FAILED'} {name} ({time.time() - start:.0f} s)" + (skipped if ok else '\n' + said[-4000:]), flush=True)
    return ok

results = [run(checks[0])] # before anything reads the modules
if notebooks: call(sys.executable, '-c', 'from animal_cls.data import get_data; get_data()') # draw the sample once, not in two notebooks at a time
with ThreadPoolExecutor(int(os.environ.get('JOBS', min(2, os.cpu_count() or 1)))) as pool: results += pool.map(run, checks[1:])
if os.environ.get('ANIMAL_CLS_LAB') == '1': results += map(run, in_browser) # one after the other: they measure what a person waits for
else: print('SKIPPED the site in Chromium and the notebooks in JupyterLab: ANIMAL_CLS_LAB=1 asks for them')
if len(notebooks) < 21: print(f'only {len(notebooks)} notebooks found'); results.append(False)
print(f'{sum(results)} passed, {len(results) - sum(results)} failed')
sys.exit(0 if all(results) else 1)
