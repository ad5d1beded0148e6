"""How much do near-duplicates across a random split flatter a net? python tools/leak.py DATA RUNS

Trains the final net at 64 pixels on a third of the photos (families of near-duplicates kept whole), for each of several seeds once
on a random split and once on one without leaks, both 80/20 and with the same recipe. Writes results/leak.json after each run; runs
that are already in RUNS are not repeated."""
import dataclasses, json, sys
from pathlib import Path
import numpy as np, pandas as pd
from animal_cls.data import get_data
from animal_cls.scan import near_duplicates
from animal_cls.evaluate import measure, save_results
from animal_cls.model import MODELS, get_device, load_weights, machine
from animal_cls.preprocess import prepare_data, split_items
from animal_cls.recipe import FAST, fit_recipe
from animal_cls.train import train

SEEDS = 0, 1, 2
root, items = get_data(sys.argv[1])
cache = prepare_data(root, items)
group = near_duplicates(np.stack(cache.items.key))
mine = np.flatnonzero(np.isin(group, np.random.default_rng(0).permutation(group.max() + 1)[:(group.max() + 1)//3]))
family = pd.Series(group[mine]).map(pd.Series(group[mine]).value_counts()).values
recipe = fit_recipe(dataclasses.replace(FAST, name='fast at 64 px', epochs=18, size=64, stages=((1., 1.),), min_steps=0), len(mine), MODELS['final'])
rows = []
for seed in SEEDS:
    for split in 'random', 'leak-free':
        some = cache.items.iloc[mine].reset_index(drop=True)
        part = split_items(some, group[mine] if split == 'leak-free' else None, (.8, 0., .2), seed).values
        cache.items['part'] = ''
        cache.items.iloc[mine, cache.items.columns.get_loc('part')] = np.where(part == 'test', 'held', part) # 'test' would choose the epoch
        out = Path(sys.argv[2])/f'{split}-{seed}'
        train('final', cache, dataclasses.replace(recipe, seed=seed), out, resume=True)
        model, meta = load_weights(out/'weights.safetensors')
        held = np.flatnonzero(cache.items.part == 'held')
        twin = np.isin(group[held], group[cache.items.part == 'train']) # has a near-duplicate among the training photos
        kin = pd.Series(group[held]).map(pd.Series(group[mine]).value_counts()).values > 1 # has one anywhere: on a split without leaks, all of them are held
        of = {name: measure(model.to(get_device()), meta, cache, held[who]) for name, who in (('all', kin | ~kin), ('twins', twin), ('others', ~twin), ('kin', kin)) if who.any()}
        rows.append(dict(split=split, seed=seed, train=int((part == 'train').sum())) | {f'{k}_{name}': m[k] for name, m in of.items() for k in ('n', 'accuracy', 'interval')})
        save_results(dict(what='near-duplicates across a split', machine=machine(), photos=len(mine), in_families=int((family > 1).sum()),
                          recipe=dataclasses.asdict(recipe), leak=rows), Path('results')/'leak.json')
        print(rows[-1], flush=True)
