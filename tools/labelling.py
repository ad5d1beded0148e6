"""How many labels does a classifier need? python tools/labelling.py DATA [DRAWS]

For each draw, 5,000 photos of DATA at random are to be labelled, one at a time: those that a `Session` asks for, and in
random order. After every ten labels, one layer learns from them; its accuracy is that on 2,000 other photos, none of them
a near-duplicate of the 5,000. Writes results/labelling.json, with the seconds of a round at 10,000 photos."""
import sys, tempfile, time
from pathlib import Path
import numpy as np
from animal_cls.data import get_data
from animal_cls.device import get_device
from animal_cls.evaluate import save_results
from animal_cls.features import _imagenet, embed
from animal_cls.labelling import Session, probabilities
from animal_cls.preprocess import build_cache
from animal_cls.scan import HASHES, near_duplicates, scan

STEPS = [*range(10, 401, 10)]
if len(sys.argv) < 2: sys.exit(__doc__)
root, items = get_data(sys.argv[1])
draws = int(sys.argv[2]) if len(sys.argv) > 2 else 5
cache = build_cache(root, items, _imagenet().meta['cache_size'])
features = embed(_imagenet().to(get_device()), cache).astype(np.float32)
features /= np.linalg.norm(features, axis=1, keepdims=True)
truth = cache.items.label.values.astype(object)
family = near_duplicates(scan(root, cache.items[['path', 'label']])[HASHES])

def accuracy(x, y, others):
    "Percent of the other photos that one layer gets right which has learned from the labels y."
    known = sorted({label for label in y if label})
    if len(known) < 2: return 100*np.mean(truth[others] == known[0])
    both, nobody = np.concatenate([x, features[others]]), np.array(['']*len(others), object)
    p = probabilities(both, np.concatenate([y, nobody]), np.ones(len(both), bool), known)[len(x):]
    return 100*np.mean(np.array(known, object)[p.argmax(1)] == truth[others])

def chosen(rows, others):
    "The curve of a session whose questions are answered one at a time."
    with tempfile.TemporaryDirectory() as tmp:
        session, curve = Session(cache.items.path[rows], features[rows], Path(tmp)/'curation.csv'), []
        for n in range(1, STEPS[-1] + 1):
            i = session.screen()['rows'][0]
            session.answer([i], truth[rows[i]])
            if n in STEPS: curve.append(accuracy(features[rows], session.y, others))
    return curve

def by_lot(rows, others):
    y, curve = np.array(['']*len(rows), object), []
    for n in STEPS:
        y[:n] = truth[rows[:n]] # they are in a random order already
        curve.append(accuracy(features[rows], y, others))
    return curve

def needed(curves): # labels to 90%, on average
    mean = np.mean(curves, 0)
    return float(np.interp(90, np.maximum.accumulate(mean), STEPS)) if mean.max() >= 90 else float('inf')

def seconds_a_round(n=10_000):
    "The slowest of ten rounds, after a hundred labels."
    with tempfile.TemporaryDirectory() as tmp:
        session, took = Session(cache.items.path[:n], features[:n], Path(tmp)/'curation.csv'), []
        for k in range(110):
            start = time.perf_counter()
            i = session.screen()['rows'][0]
            session.answer([i], truth[i])
            took.append(time.perf_counter() - start)
    return max(took[100:])

found = dict(chosen=[], random=[])
for draw in range(draws):
    mixed = np.random.default_rng(draw).permutation(len(features))
    rows = mixed[:5000]
    others = mixed[5000:][~np.isin(family[mixed[5000:]], family[rows])][:2000]
    found['chosen'].append(chosen(rows, others))
    found['random'].append(by_lot(rows, others))
    print(draw, {k: needed(v[-1:]) for k, v in found.items()}, flush=True)
both = {k: needed(v) for k, v in found.items()}
print('labels to 90%:', both)
save_results(dict(labels=STEPS, **found, needed=both, each={k: [needed([c]) for c in v] for k, v in found.items()},
                  seconds_a_round=seconds_a_round()), Path('results')/'labelling.json')
