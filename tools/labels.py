"""Are wrong labels found? python tools/labels.py DATA [SHARE]

Links the photos of DATA into a new folder, SHARE (.03) of them in the folder of another class, and runs `animal_cls
audit --labels` on it in a process of its own, twice: with features made anew, then with those kept. Found is the share
of the moved photos that it names; precision the share of the named that were moved, although DATA has wrong labels of
its own. Writes results/labels.json."""
import os, subprocess, sys, tempfile, time
from pathlib import Path
import numpy as np, pandas as pd
from animal_cls.data import get_data
from animal_cls.evaluate import save_results

if len(sys.argv) < 2: sys.exit(__doc__)
root, items = get_data(sys.argv[1])
share = float(sys.argv[2]) if len(sys.argv) > 2 else .03
rng = np.random.default_rng(0)
classes, moved = sorted(set(items.label)), set(rng.permutation(len(items))[:round(share*len(items))])

with tempfile.TemporaryDirectory() as tmp:
    planted = set()
    for k, (path, label) in enumerate(zip(items.path, items.label)):
        if k in moved: label = rng.choice([c for c in classes if c != label])
        there = Path(tmp)/'photos'/label/f'{k}{Path(path).suffix}'
        there.parent.mkdir(parents=True, exist_ok=True)
        os.symlink((root/path).resolve(), there)
        if k in moved: planted.add(f'{label}/{there.name}')
    seconds = []
    for _ in 'anew', 'kept':
        start = time.time()
        subprocess.run([sys.executable, '-m', 'animal_cls', 'audit', f'{tmp}/photos', '--labels', '--quiet',
                        '--out', f'{tmp}/audit.csv'], env=os.environ | dict(ANIMAL_CLS_HOME=f'{tmp}/home'), check=True)
        seconds.append(round(time.time() - start, 1))
    findings = pd.read_csv(f'{tmp}/audit.csv', keep_default_na=False)
named = set(findings.path[findings.issue == 'label_error'])
found, precision = (100*len(named & planted)/len(s) for s in (planted, named))
print(f'{found:.1f}% of {len(planted)} found, precision {precision/100:.2f}; '
      f'{seconds[0]:.0f} s, {seconds[1]:.0f} s with features kept')
save_results(dict(photos=len(items), planted=len(planted), named=len(named), found=found, precision=precision,
                  seconds_anew=seconds[0], seconds_kept=seconds[1]), Path('results')/'labels.json')
