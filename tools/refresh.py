"""Make the figures in results/ again, and say which are older than what they measure.

python tools/refresh.py                                  which figures are older than their code
python tools/refresh.py PHOTOS ORIGINALS STRANGE RUNS    make those again, shortest first; RUNS keeps what is trained
    --only NAME...                                       make these again, old or not
    --hours H                                            begin nothing that would end later (6)

A figure is older than its code when a function or class of the modules it measures, or of what it needs of the
script that made it, has changed since the revision in its file ('…' stands for lines outside of functions); comments
and docstrings do not count. Figures are best made from a clean checkout on a quiet machine. One that fails leaves its
old file, and a log in RUNS, where what was stopped goes on from. Writes results/refresh.json, which notebook 20 shows."""
import argparse, ast, hashlib, json, os, shlex, shutil, subprocess, sys, time
from pathlib import Path
from animal_cls.evaluate import save_results

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT/'results'

OWN = 'recipe features evaluate'
# name of the figure: minutes on two cores, modules that it measures, commands; {three}, {new}: three classes each
JOBS = {
    'sorting': (1, 'answers', 'tools/sorting.py'),
    'kill': (4, 'train state', 'tools/kill.py'),
    'bench-loader': (1, 'augment preprocess', 'bench loader {photos} --seconds 5'),
    'bench-gradcam': (2, 'gradcam', 'bench gradcam --seconds 4'),
    'bench-scan': (4, 'scan', 'bench scan {originals} --seconds 8'),
    'bench-predict': (6, 'predict quick answers', 'bench predict {photos} --seconds 15'),
    'hostile': (4, 'data quick model', 'tools/hostile.py'),
    'busy': (5, 'device train', 'tools/busy.py'),
    'cluster': (6, 'core predict', 'tools/cluster.py {photos}'),
    'many': (6, 'predict answers', 'tools/many.py {runs}/many 10000 3'),
    'bench-train': (7, 'train augment device', 'bench train {photos} --seconds 20'),
    'features': (7, 'features', 'tools/features.py {photos}'),
    'labels': (7, 'eda evaluate features', 'tools/labels.py {photos}'),
    'probe': (7, 'features', 'train {photos} --recipe probe --out {runs}/probe --resume --quiet',
              'tools/pack.py {runs}/probe {photos} probe {what} --results'),
    'animals-strange': (8, 'features', 'tools/strange.py package {photos} {strange} animals-strange'),
    'labelling': (8, 'labelling', 'tools/labelling.py {photos}'),
    'audit': (9, 'scan eda', 'tools/audit.py {originals} {photos}'),
    'page': (9, 'web', 'tools/page.py {photos} --save'),
    'fuzz': (11, 'data', 'tools/fuzz.py'),
    'own-imagenet': (4, OWN, 'tools/own.py imagenet {three} 60 5 --strange {strange}'),
    'own-scratch': (5, 'recipe train', 'tools/own.py scratch {three} 60 2 --model beyond --recipe fast'),
    **{f'own-few-{n}': (2, OWN, f'tools/own.py few-{n} {{new}} {n} 3 --recipe probe') for n in (20, 50, 100, 200)},
    'own-ten': (4, OWN, 'tools/own.py ten {photos} 20 5'),
    'own-folds': (10, OWN, 'tools/own.py folds {three} 60 20 --recipe probe'),
    'maps': (15, 'gradcam model', 'tools/maps.py {runs}/maps'),
    'scaling': (15, 'train device', 'tools/study.py scaling {photos} {runs}/scaling'),
    'few': (20, 'train recipe', 'tools/study.py few {photos} {runs}/few'),
    'seeds': (30, 'train recipe', 'tools/study.py seeds {photos} {runs}/seeds'),
    'leak': (45, 'preprocess', 'tools/leak.py {photos} {runs}/leak'),
    'generations': (40, 'model train', 'tools/study.py generations {photos} {runs}/generations'),
    'ablation': (45, 'train recipe', 'tools/study.py ablation {photos} {runs}/ablation'),
    'taught': (95, 'train recipe augment', 'tools/study.py taught {photos} {runs}/taught'),
    'compare': (100, 'train recipe model augment', 'tools/study.py compare {photos} {runs}/compare'),
}

WHAT = '19,982 photos of Animals-10, shorter side 160 px'

# why a figure is not made again here
WHY = dict.fromkeys(('animals', 'beyond', 'beyond-taught', 'final'), 'a long run: the figure is about its weights')
WHY |= dict.fromkeys(('beyond-strange', 'beyond-taught-strange'), 'about the weights of a long run')
WHY |= dict.fromkeys(('deck', 'efficientnet-lite0'), 'a long run, to compare with')
WHY |= dict.fromkeys(('final-fast-first-try', 'final-fast-second-try', 'beyond-taught-first-try'), 'an attempt of its time')
WHY |= dict.fromkeys(('own-imagenet-tuned', 'own-ten-tuned', 'own-seven', 'seven-strange', 'many-small32'),
                     'what was tried before the default changed')
WHY['lite'] = 'a copy of ImageNet weights, measured once'
WHY['bench-train-elsewhere'] = 'the other kind of processor, measured when there was one'
CARD = 'made on a graphics card: tools/gpu.py'

def load(name): return json.loads((RESULTS/f'{name}.json').read_text(encoding='utf-8'))

def parts(text):
    "Name -> what it says, for each function and class of a module, without comments and docstrings."
    tree, found = ast.parse(text), {}
    for node in ast.walk(tree):
        body = getattr(node, 'body', None)
        first = body[0] if isinstance(body, list) and body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant): first.value.value = ''
    for node in tree.body:
        if not isinstance(node, (ast.Import, ast.ImportFrom)):
            found.setdefault(getattr(node, 'name', '…'), []).append(ast.dump(node))
    return found

def measured(name, file, text):
    "What a figure depends on in a file; of a script that makes several, what this one needs, going by names."
    found, name = parts(text), name.replace('-', '_')
    if not file.startswith(('tools/', 'animal_cls/bench')) or name not in found: return found
    todo, seen = [name], {'…'}
    while todo:
        seen.add(part := todo.pop())
        todo += [p for p in found if p not in seen and f"id='{p}'" in ''.join(found.get(part, []))]
    return {part: found[part] for part in found if part in seen}

def then(revision, path):
    "A file as it was; None where it was not there, or the revision is not known here."
    told = subprocess.run(['git', 'show', f'{revision}:{path}'], cwd=ROOT, capture_output=True, text=True)
    return None if told.returncode else told.stdout

def files(name):
    "What a figure depends on: modules, and the scripts that make it."
    _, modules, *commands = JOBS[name]
    makers = [command.split()[0] for command in commands]
    return [*(f'animal_cls/{m}.py' for m in modules.split()),
            *(maker if maker.startswith('tools/') else f'animal_cls/{maker}.py' for maker in makers)]

def changed(name):
    "What has changed since a figure was made, as module.function."
    found, revision = [], load(name).get('revision', '')
    if revision.endswith('+'): return ['made with uncommitted changes']
    for file in files(name):
        before, now = then(revision, file) if revision else None, (ROOT/file).read_text(encoding='utf-8')
        if before is None: return [f'{file} is not known as it was']
        old, new = (measured(name, file, text) for text in (before, now))
        differ = (part for part in sorted(old.keys() | new.keys()) if old.get(part) != new.get(part))
        found += [f'{Path(file).stem}.{part}' for part in differ]
    return found

def code(name):
    "Changes with the code that a figure depends on."
    said = [measured(name, file, (ROOT/file).read_text(encoding='utf-8')) for file in files(name)]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:8]

def ages():
    "A row for each figure; `changed` is None for those that are not made here. Written to results/refresh.json."
    rows, tried = [], load('same')['rows']
    for file in sorted(RESULTS.glob('*.json')):
        if file.stem in ('refresh', 'same'):
            continue
        about = load(file.stem)
        row = dict(name=file.stem) | {k: about.get(k, '') for k in ('revision', 'machine', 'torch', 'threads')}
        why = CARD if file.stem.startswith('gpu-') else WHY.get(file.stem, '')
        row |= dict(changed=changed(file.stem) if file.stem in JOBS else None, why=why)
        again = tried.get(file.stem, {})
        if row['changed'] and again.get('then') == row['revision'] and again['code'] == code(file.stem):
            row['why'] = f"then and now agree in {again['alike']:,} of {again['numbers']:,} numbers: tools/same.py"
        rows.append(row)
    save_results(dict(rows=rows), RESULTS/'refresh.json')
    return rows

def some(photos, folder, *labels):
    "Link some classes into a folder of their own."
    for label in labels:
        (folder/label).mkdir(parents=True, exist_ok=True)
        for path in (photos/label).iterdir():
            if not (folder/label/path.name).exists():
                try: os.link(path, folder/label/path.name)
                except OSError: shutil.copyfile(path, folder/label/path.name) # on another disk
    return folder

def in_words(command, places):
    "What Python is called with."
    words = [word.format(**places) for word in shlex.split(command)]
    return words if words[0].startswith('tools/') else ['-m', 'animal_cls', *words]

def make(name, places, limit):
    "Run the commands of a figure: how did it end?"
    _, _, *commands = JOBS[name]
    places = places | dict(runs=places['runs']/f'{name}-{code(name)}') # what older code has trained is left alone
    places['runs'].mkdir(exist_ok=True)
    with open(places['runs']/'log.txt', 'w') as log:
        for command in commands:
            words = in_words(command, places) + ['--out', f'results/{name}.json']*command.startswith('bench ')
            try: done = subprocess.run([sys.executable, *words], cwd=ROOT, stdout=log, stderr=log, timeout=limit)
            except subprocess.TimeoutExpired: return 'took too long'
            if done.returncode: return f'failed with status {done.returncode}'
    return 'made'

def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument('folders', nargs='*', type=Path, metavar='FOLDER')
    ask.add_argument('--only', nargs='+', default=[], metavar='NAME', choices=JOBS)
    ask.add_argument('--hours', type=float, default=6)
    given, began = ask.parse_args(), time.time()
    if len(given.folders) != (4 if given.folders or given.only else 0): ask.error('give four folders, or none')
    missing = [folder for folder in given.folders[:3] if not folder.is_dir()]
    if missing: ask.error(f'{missing[0]} is no folder')
    if given.folders:
        places = dict(zip(('photos', 'originals', 'strange', 'runs'), (f.resolve() for f in given.folders)))
        places['runs'].mkdir(parents=True, exist_ok=True)
        three, new = (places['runs']/name for name in ('three', 'new'))
        places |= dict(three=some(places['photos'], three, 'gatto', 'pecora', 'ragno'), what=WHAT,
                       new=some(places['photos'], new, 'gatto', 'pecora', 'scoiattolo'))
        todo = given.only or [name for name in JOBS if not (RESULTS/f'{name}.json').exists() or changed(name)]
        for name in sorted(todo, key=JOBS.get):
            minutes, *_ = JOBS[name]
            if time.time() - began + 60*minutes > 3600*given.hours:
                print(f'{name}: needs {minutes} minutes, left for another time')
                continue
            start = time.time()
            said = make(name, places, 240*minutes)
            print(f'{name}: {said}, {(time.time() - start)/60:.1f} of {minutes} minutes', flush=True)
    for row in ages():
        if row['changed']: print(f"{row['name']}: {row['why'] or 'older than ' + ', '.join(row['changed'])}")
    for name in JOBS:
        if not (RESULTS/f'{name}.json').exists(): print(f'{name}: not made yet')

if __name__ == '__main__':
    main()
