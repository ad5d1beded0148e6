"""Does today's code still learn what an older figure was made with? python tools/same.py NAME...

A study that trains for hours is not made again because a function got a better name. Instead, the study is run twice on
the drawn sample: with the code at the figure's revision, and with that of now, each in a copy of its own. Then everything
they wrote is compared, except times: what each run learned in each epoch, and the rows of the figure. Twenty steps are
enough where it would be a thousand, and one seed. Writes results/same.json, which `tools/refresh.py` reads."""
import json, math, os, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import pandas as pd
from animal_cls.data import get_data
from animal_cls.evaluate import save_results
from refresh import JOBS, RESULTS, ROOT, code, in_words, load, some

TIMES = 'seconds', 'train_seconds', 'images_per_second', 'peak_share' # differ from run to run
CLOSE = 1e-3 # relative: other batches and other libraries round differently

def copy(revision, folder):
    "The code at a revision, with short trainings of one seed."
    folder.mkdir(parents=True)
    packed = subprocess.run(['git', 'archive', revision], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(['tar', 'x', '-C', folder], input=packed, check=True)
    for file in [*(folder/'animal_cls').glob('*.py'), *(folder/'tools').glob('*.py')]:
        short = file.read_text().replace('min_steps=1000', 'min_steps=20').replace('SEEDS = 0, 1, 2', 'SEEDS = 0,')
        file.write_text(short)
    for file in (folder/'results').glob('*.json'): file.unlink()
    return folder

def run(name, revision, places, tmp):
    "Make a figure with the code of a revision -> everything that it wrote, as {where: value}."
    tree, runs = copy(revision, tmp/revision/'tree'), tmp/revision/'runs'
    runs.mkdir()
    own = dict(PYTHONPATH=str(tree), ANIMAL_CLS_HOME=str(tmp/revision/'home'), OMP_NUM_THREADS='1', MKL_NUM_THREADS='1')
    _, _, *commands = JOBS[name]
    for command in commands:
        words = in_words(command, places | dict(runs=runs, what='drawings'))
        words = ['20' if word == '60' else word for word in words] # photos of a class: the sample has fewer
        done = subprocess.run([sys.executable, *words], cwd=tree, env=os.environ | own, capture_output=True, text=True)
        if done.returncode: raise SystemExit(f'{name} at {revision}: {done.stderr[-2000:]}')
    found = dict(leaves(json.loads((tree/'results'/f'{name}.json').read_text())))
    for file in sorted(runs.rglob('history.csv')):
        found |= dict(leaves(pd.read_csv(file).to_dict('list'), f'/{file.parent.relative_to(runs)}'))
    return found

def leaves(value, where=''):
    "Yields (where, number) for all numbers in nested lists and dicts, but for times."
    if isinstance(value, (dict, list)):
        for k, v in value.items() if isinstance(value, dict) else enumerate(value):
            if not str(k).startswith(TIMES): yield from leaves(v, f'{where}/{k}')
    elif isinstance(value, (int, float)): yield where, value

def compare(old, new):
    "Of the numbers that both have: how many there are, how many are the same, and those that differ, with both values."
    both = sorted(old.keys() & new.keys())
    differ = {k: (old[k], new[k]) for k in both
              if not (math.isclose(old[k], new[k], rel_tol=CLOSE) or old[k] != old[k] and new[k] != new[k])}
    return dict(numbers=len(both), alike=len(both) - len(differ), differ=differ)

def main():
    names = sys.argv[1:]
    if not names or set(names) - JOBS.keys(): sys.exit(__doc__)
    status = 'git', 'status', '--porcelain', '-uno', 'animal_cls', 'tools'
    unsaved = subprocess.run(status, cwd=ROOT, capture_output=True)
    if unsaved.stdout: sys.exit('commit first: what is compared is the last commit')
    now = subprocess.run(['git', 'rev-parse', '--short', 'HEAD'], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    photos, _ = get_data()
    file = RESULTS/'same.json'
    for name in names:
        with tempfile.TemporaryDirectory() as tmp, ThreadPoolExecutor(2) as pool:
            tmp = Path(tmp)
            places = dict(photos=photos, originals=photos, three=some(photos, tmp/'three', 'gatto', 'pecora', 'ragno'),
                          new=some(photos, tmp/'new', 'gatto', 'pecora', 'scoiattolo'),
                          strange=some(photos, tmp/'strange', 'cane', 'farfalla', 'mucca'))
            old, new = pool.map(lambda revision: run(name, revision, places, tmp), (load(name)['revision'], now))
        rows = load('same')['rows'] if file.exists() else {} # another may have added to it
        rows[name] = dict(then=load(name)['revision'], now=now, code=code(name), **compare(old, new))
        print(name, rows[name], flush=True)
        save_results(dict(rows=rows), file)

if __name__ == '__main__':
    main()
