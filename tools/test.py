"""All that must hold: `make test`, and so CI. Ends with 'N passed, N failed'.

Clean and export leave no diff; README says what index.ipynb says; modules import only what lies below them; every
notebook runs; tools/gpu.py runs on a machine without a card; the site builds and its links hold. With ANIMAL_CLS_LAB=1
also the site in a real browser and the notebooks in a real JupyterLab."""
import ast
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

root = Path(__file__).resolve().parent.parent
bin = Path(sys.executable).parent
path = f"{bin}{os.pathsep}{os.environ['PATH']}"
os.environ |= dict(OMP_NUM_THREADS='1', MKL_NUM_THREADS='1', PATH=path, MPLBACKEND='agg')

# From the ground floor up: a module may import those before it.
HOUSE = '''core sample archive data scan eda preprocess quick augment device model recipe state features
           train evaluate gradcam answers labelling predict widgets report web bench cli'''.split()

def call(*args):
    "Run a command in the project's folder: did it work, and what did it print?"
    command = [str(a) for a in args]
    both = dict(stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    p = subprocess.run(command, cwd=root, text=True, errors='replace', **both)
    return p.returncode == 0, p.stdout

def sources():
    "What clean and export may not change: notebooks and exported modules, byte for byte."
    return {p: p.read_bytes() for pattern in ('nbs/*.ipynb', 'animal_cls/*.py') for p in root.glob(pattern)}

def check_clean():
    before = sources()
    for command in 'nbdev_clean', 'nbdev_export':
        ok, said = call(bin/command)
        if not ok: return False, said
    after = sources()
    changed = sorted(p.name for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    return not changed, 'changed by clean and export: ' + ', '.join(changed)

def imported(node):
    "The modules of this project that a statement imports from; names of the package itself are none."
    if isinstance(node, ast.Import):
        return [n.name.partition('.')[2] or n.name for n in node.names if n.name.split('.')[0] == 'animal_cls']
    if not isinstance(node, ast.ImportFrom): return []
    if not node.level and (node.module or '').split('.')[0] != 'animal_cls': return []
    path = (node.module or '').removeprefix('animal_cls').strip('.')
    return [path] if path else [n.name for n in node.names if n.name != '__version__']

def check_imports():
    modules = {p.stem: p for p in (root/'animal_cls').glob('[a-z]*.py')}
    wrong = [f'{name} has no place in tools/test.py' for name in modules.keys() - set(HOUSE)]
    for name, file in modules.items():
        if name not in HOUSE: continue
        for node in ast.walk(ast.parse(file.read_text(encoding='utf-8'))):
            for used in imported(node):
                if used not in HOUSE: wrong.append(f'{name} imports {used}, not from a module')
                elif HOUSE.index(used) >= HOUSE.index(name): wrong.append(f'{name} imports {used} from above')
    return not wrong, '\n'.join(wrong)

def check_notebook(nb): return call(bin/'nbdev_test', '--path', nb, '--n_workers', '0', '--do_print')

def script(name, *args): return lambda: call(sys.executable, f'tools/{name}.py', *args)

notebooks = sorted(p for p in root.glob('nbs/*.ipynb') if not p.name.startswith(('.', '_')))
checks = [('clean and export', check_clean), ('imports point upward', check_imports)]
checks += [('README', script('readme', '--check'))]
checks += [(nb.name, lambda nb=nb: check_notebook(nb)) for nb in notebooks]
checks += [('graphics card, tiny', script('gpu', '--tiny', '--plant')), ('site', script('docs'))]
in_browser = [('site in Chromium', script('look')), ('page in Chromium', script('page')), ('notebooks in JupyterLab', script('lab'))]

def run(check):
    "One check, its result printed at once."
    name, f = check
    start = time.time()
    ok, said = f()
    skipped = ''.join(f'\n{l}' for l in said.splitlines() if l.startswith('SKIPPED'))
    verdict = f"{'ok    ' if ok else 'FAILED'} {name} ({time.time() - start:.0f} s)"
    print(verdict + (skipped if ok else '\n' + said[-4000:]), flush=True)
    return ok

results = [run(checks[0])] # before anything reads the modules
if notebooks: # draw the sample once, not in two notebooks at a time
    call(sys.executable, '-c', 'from animal_cls.data import get_data; get_data()')
jobs = int(os.environ.get('JOBS', min(2, os.cpu_count() or 1)))
with ThreadPoolExecutor(jobs) as pool: results += pool.map(run, checks[1:])
if os.environ.get('ANIMAL_CLS_LAB') == '1': results += map(run, in_browser) # one by one: they measure waiting
else: print('SKIPPED the site in Chromium and the notebooks in JupyterLab: ANIMAL_CLS_LAB=1 asks for them')
if len(notebooks) < 24:
    print(f'only {len(notebooks)} notebooks found')
    results.append(False)
print(f'{sum(results)} passed, {len(results) - sum(results)} failed')
sys.exit(0 if all(results) else 1)
