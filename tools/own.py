"""What does `train` make of a few own photos? python tools/own.py NAME DATA N DRAWS [--strange FOLDER] [train options]

Draws N photos of each class of DATA at random, runs `animal_cls train` on them in a process of its own, and asks the net
about up to 600 others, none of them a near-duplicate of one it has learned from. Beside its accuracy stand what the run
itself said of it and the seconds of the whole process; with FOLDER, also how many pictures of everything else pass as
known. Writes results/own-NAME.json."""
import json, os, subprocess, sys, tempfile, time
from pathlib import Path
import numpy as np, pandas as pd
from animal_cls.data import get_data
from animal_cls.evaluate import save_results
from animal_cls.predict import Predictor
from animal_cls.scan import HASHES, near_duplicates, scan

if len(sys.argv) < 5: sys.exit(__doc__)
name, data, n, draws, *options = sys.argv[1:]
strange = options.pop(1) if options[:1] == ['--strange'] else None
options = options[1:] if strange else options
root, items = get_data(data)
table = scan(root, items, progress=False)
table = table[(table.error == '') & (table.label != '')]
table = table.assign(family=near_duplicates(table[HASHES]))

def deal(draw):
    "Photos to learn from and others, in a random order."
    mixed = table.sample(frac=1, random_state=draw)
    own = mixed.groupby('label').head(int(n))
    rest = mixed[~mixed.family.isin(own.family)]
    return own, rest.groupby('label').head(600//table.label.nunique())

def try_out(draw):
    "A net trained on one draw: what it says it can, what it can, how long it took."
    own, others = deal(draw)
    with tempfile.TemporaryDirectory() as tmp:
        for path, label in zip(own.path, own.label):
            there = Path(tmp)/'photos'/label/Path(path).name
            there.parent.mkdir(parents=True, exist_ok=True)
            os.symlink((root/path).resolve(), there)
        start = time.time()
        subprocess.run([sys.executable, '-m', 'animal_cls', 'train', f'{tmp}/photos', '--out', f'{tmp}/run', '--quiet',
                        *options], env=os.environ | dict(ANIMAL_CLS_HOME=f'{tmp}/home'), check=True)
        seconds, said = time.time() - start, json.loads(Path(f'{tmp}/run/results.json').read_text())
        net = Predictor(f'{tmp}/run/weights.safetensors')
    right = [r['label'] == label for r, label in zip(net([root/p for p in others.path]), others.label)]
    passes = 100*np.mean([r['known'] for r in net([strange])]) if strange else None
    return dict(accuracy=100*np.mean(right), n=len(others), said=said['accuracy'], interval=said['interval'],
                said_of=said['n'], share=net.meta.get('share'), seconds=round(seconds, 1), passes=passes)

rows = []
for draw in range(int(draws)):
    rows.append(try_out(draw))
    print(rows[-1], flush=True)
df = pd.DataFrame(rows)
holds = sum(low <= a <= high for a, (low, high) in zip(df.accuracy, df.interval))
print(f'accuracy {df.accuracy.mean():.1f}% ({df.accuracy.min():.1f} to {df.accuracy.max():.1f}), '
      f'{df.seconds.mean():.0f} s, interval holds in {holds} of {len(df)}'
      + (f', {df.passes.mean():.1f}% strange ones pass' if strange else ''))
save_results(dict(classes=sorted(set(table.label)), photos=int(n), options=options, accuracy=df.accuracy.mean(),
                  seconds=df.seconds.mean(), interval_holds=holds, draws=rows),
             Path('results')/f'own-{name}.json')
