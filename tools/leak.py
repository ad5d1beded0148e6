"""How much do near-duplicates across a random split inflate accuracy? python tools/leak.py DATA RUNS

Trains *beyond* at 64 pixels on a third of the photos (families of near-duplicates kept whole). For each of several
seeds it trains once on a random split and once on a split without leaks, both 80/20 and with the same recipe. Writes
results/leak.json after each run; runs that are already in RUNS are not repeated."""
import dataclasses, sys
from pathlib import Path
import numpy as np, pandas as pd
from animal_cls.data import get_data
from animal_cls.scan import near_duplicates
from animal_cls.evaluate import measure, save_results
from animal_cls.device import get_device
from animal_cls.model import MODELS, load_weights
from animal_cls.preprocess import prepare_data, split_items
from animal_cls.recipe import FAST, fit_recipe
from animal_cls.train import train

SEEDS = 0, 1, 2
if len(sys.argv) < 3: sys.exit(__doc__)
root, items = get_data(sys.argv[1])
cache = prepare_data(root, items)
group = near_duplicates(np.stack(cache.items.key))
families = group.max() + 1
mine = np.flatnonzero(np.isin(group, np.random.default_rng(0).permutation(families)[:families//3]))
family = pd.Series(group[mine]).map(pd.Series(group[mine]).value_counts()).values
recipe = dataclasses.replace(FAST, name='fast at 64 px', epochs=18, size=64, stages=((1., 1.),), min_steps=0)
recipe = fit_recipe(recipe, len(mine), MODELS['beyond'])
rows = []
for seed in SEEDS:
    for split in 'random', 'leak-free':
        some = cache.items.iloc[mine].reset_index(drop=True)
        part = split_items(some, group[mine] if split == 'leak-free' else None, (.8, 0., .2), seed).values
        taught, held = mine[part == 'train'], mine[part == 'test']
        cache = cache.with_parts(train=taught) # without a part called 'test', which would choose the epoch
        out = Path(sys.argv[2])/f'{split}-{seed}'
        train('beyond', cache, dataclasses.replace(recipe, seed=seed), out, resume=True)
        model = load_weights(out/'weights.safetensors').to(get_device())
        # twins have a near-duplicate among the training photos; kin have one anywhere
        twin = np.isin(group[held], group[taught])
        kin = pd.Series(group[held]).map(pd.Series(group[mine]).value_counts()).values > 1
        groups = dict(all=kin | ~kin, twins=twin, others=~twin, kin=kin)
        scores = {name: measure(model, cache, held[who]) for name, who in groups.items() if who.any()}
        rows.append(dict(split=split, seed=seed, train=len(taught)))
        rows[-1] |= {f'{k}_{name}': m[k] for name, m in scores.items() for k in ('n', 'accuracy', 'interval')}
        found = dict(what='near-duplicates across a split', photos=len(mine),
                     in_families=int((family > 1).sum()), recipe=dataclasses.asdict(recipe), leak=rows)
        save_results(found, Path('results')/'leak.json')
        print(rows[-1], flush=True)
