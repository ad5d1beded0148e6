"""The studies behind notebooks 15 and 20: python tools/study.py STUDY DATA RUNS

ablation  what each part of FAST is worth: 64 pixels, a third of the training photos, three seeds, on the validation set
seeds     three short runs on all photos: how far do seeds spread, how long does it take to reach 85% on the test set
generations  five epochs in batches of 64 for each net: the first at its 256 pixels, the others at 96
few       20 to 200 photos of each of three classes, from scratch and from a net that has seen only the other seven
scaling   seconds per epoch, by photos and by threads
taught    short runs of beyond with a teacher, with a teacher's answers only, and alone for as long; three of each
compare   FAST from scratch: beyond, and nets that others have made, each at the learning rate that suits it

Writes results/STUDY.json after each run; runs that are already in RUNS are not repeated."""
import dataclasses, sys, tempfile
from pathlib import Path
from unittest.mock import patch
import numpy as np, torch
from animal_cls.core import UserError
from animal_cls.data import get_data, weights_file
from animal_cls.scan import near_duplicates
from animal_cls.evaluate import finish_run, measure, save_results
from animal_cls.device import get_device
from animal_cls.model import MODELS, load_weights, read_header, summary
from animal_cls.preprocess import fingerprints, prepare_data
from animal_cls.recipe import FAST, TUNE, fit_recipe
from animal_cls.train import FEATURES, size_of, train

SEEDS = 0, 1, 2
if len(sys.argv) < 4: sys.exit(__doc__)
study, data, runs = sys.argv[1], sys.argv[2], Path(sys.argv[3])
turn = dataclasses.replace

def photos(size):
    "A cache with its split."
    return prepare_data(*get_data(data), size*9//8)

def keep(rows, **facts):
    "Print the last row, and write all of them."
    print(rows[-1], flush=True)
    what = __doc__.split(f'\n{study}')[1].splitlines()[0].strip()
    save_results(dict(what=what, rows=rows) | facts, Path('results')/f'{study}.json')

def ablation():
    cache, rows = photos(64), []
    group = near_duplicates(np.stack(cache.items.key)) # families stay whole
    families = group.max() + 1
    third = np.isin(group, np.random.default_rng(0).permutation(families)[:families//3])
    taught, valid = np.flatnonzero((cache.items.part == 'train') & third), np.flatnonzero(cache.items.part == 'valid')
    cache, n = cache.with_parts(train=taught, valid=valid), len(taught)
    base = fit_recipe(turn(FAST, size=64, epochs=16, min_steps=0), n, MODELS['beyond'])
    changes = {'FAST': {}, 'one size all the way': dict(stages=((1., 1.),)),
               'one size, ten epochs': dict(stages=((1., 1.),), epochs=10),
               'plateau instead of one-cycle': dict(schedule='plateau'), 'no label smoothing': dict(label_smoothing=0.),
               'averaged weights': dict(ema=.95), 'mixup': dict(mixup=.2), "the deck's crops": dict(scale=(.08, 1.))}
    for seed in SEEDS:
        for name, knobs in changes.items():
            out = runs/f'{name}-{seed}'
            history = train('beyond', cache, turn(base, seed=seed, **knobs), out, resume=True)
            model = load_weights(out/'weights.safetensors').to(get_device())
            plain = dict(row=name, seed=seed, seconds=history.seconds.sum(),
                         train_accuracy=history.train_accuracy.iloc[-1])
            rows.append(plain | dict(accuracy=measure(model, cache, valid)['accuracy']))
            if name == 'FAST': # the same net, tested at the size it was trained at
                model.meta |= dict(size=64, crop=1.)
                accuracy = measure(model, cache, valid)['accuracy']
                rows.append(plain | dict(row='tested at 64 px, whole photo', accuracy=accuracy))
            keep(rows, photos=n, recipe=dataclasses.asdict(base))

FACTS = ('model', 'accuracy', 'interval', 'n', 'valid_accuracy', 'accuracy_flip', 'gap', 'gap_augmented',
         'train_seconds', 'epochs')

def short_run(name, out, **knobs):
    "Train and measure; returns what `finish_run` does."
    cache = photos(knobs.get('size') or MODELS[name].size)
    train(name, cache, turn(FAST, **knobs), out, resume=True)
    return finish_run(out, cache)

def seeds():
    rows = []
    for seed in SEEDS:
        r = short_run('beyond', runs/f'short-{seed}', epochs=16, seed=seed)
        rows.append({k: r[k] for k in FACTS} | dict(seed=seed))
        keep(rows)

def generations():
    rows = []
    for name, net in MODELS.items():
        r = short_run(name, runs/name, epochs=5, batch=64, min_steps=0, size=96*net.any_size)
        kept = {k: r[k] for k in (*FACTS, 'confusion', 'classes', 'history')}
        rows.append(kept | dict(size=r['recipe']['size'], lr=r['recipe']['lr']))
        keep(rows)

def few():
    new, rows = ['gatto', 'pecora', 'scoiattolo'], []
    root, items = get_data(data)
    seven, three = (prepare_data(root, items[items.label.isin(new) == here], 108) for here in (False, True))
    fast, tune = (turn(r, size=96) for r in (FAST, TUNE))
    train('beyond', seven, turn(fast, epochs=12), runs/'seven', resume=True)
    mine, test = np.flatnonzero(three.items.part != 'test'), np.flatnonzero(three.items.part == 'test')
    for seed in SEEDS:
        shuffled = three.items.iloc[np.random.default_rng(seed).permutation(mine)]
        place = shuffled.groupby('label').cumcount().reindex(three.items.index) # of each photo in its class
        for n in (20, 50, 100, 200):
            taught, valid = np.flatnonzero(place < .8*n), np.flatnonzero((place >= .8*n) & (place < n))
            three = three.with_parts(train=taught, valid=valid)
            ways = ('from scratch', fast, None), ('fine-tuned', tune, runs/'seven'/'weights.safetensors')
            for way, recipe, init in ways:
                out = runs/f'{way}-{n}-{seed}'
                history = train('beyond', three, turn(recipe, seed=seed), out, resume=True, init=init)
                model = load_weights(out/'weights.safetensors').to(get_device())
                accuracy = measure(model, three, test)['accuracy']
                rows.append(dict(way=way, photos=n, seed=seed, seconds=history.seconds.sum(), n=len(test),
                                 accuracy=accuracy))
                keep(rows, classes=new, taught_on=seven.items.label.unique().tolist())

def scaling():
    cache, rows, threads = photos(64), [], torch.get_num_threads()
    valid = np.flatnonzero(cache.items.part == 'valid')
    order = np.random.default_rng(0).permutation(np.flatnonzero(cache.items.part != 'valid'))
    todo = [(n, threads) for n in (1000, 2000, 5000, 10000, len(order))] + [(5000, t) for t in range(1, threads)]
    recipe = turn(FAST, size=64, stages=((1., 1.),), epochs=2, min_steps=0)
    for n, cores in todo:
        torch.set_num_threads(cores)
        cache = cache.with_parts(train=order[:n], valid=valid)
        with tempfile.TemporaryDirectory() as tmp: history = train('beyond', cache, recipe, Path(tmp)/'run')
        last = history.iloc[-1][['seconds', 'images_per_second', 'peak_share']]
        rows.append(dict(photos=n, threads=cores) | last.to_dict())
        torch.set_num_threads(threads)
        keep(rows)

def taught():
    "At 96 pixels, measured on the validation set. All ways learn from the same squares, made for the teacher."
    cache, rows = photos(size_of('package')), []
    valid = np.flatnonzero(cache.items.part == 'valid')
    same = read_header(weights_file())['run']['split'] == fingerprints(cache.items)['split']
    assert same, 'the teacher was made with another split: it may have learned from photos of the validation set'
    def learn(way, epochs, seed, **knobs): # -> its row
        out = runs/f'{way}-{epochs}-{seed}'
        recipe = turn(FAST, size=96, epochs=epochs, min_steps=0, seed=seed, **knobs)
        with patch('animal_cls.train.FEATURES', 0. if way == 'answers only' else FEATURES):
            history = train('beyond', cache, recipe, out, resume=True)
        found = measure(load_weights(out/'weights.safetensors').to(get_device()), cache, valid)
        row = dict(way=way, seed=seed, epochs=epochs, seconds=history.seconds.sum())
        return row | {k: found[k] for k in ('accuracy', 'n')}
    alone, mine = learn('alone', 8, SEEDS[0]), learn('taught', 8, SEEDS[0], teacher='package')
    epochs = round(8*mine['seconds']/alone['seconds']) # as many as take the same time without a teacher
    for seed in SEEDS:
        rows += [learn(way, 8, seed, teacher='package') for way in ('taught', 'answers only')]
        rows.append(learn('alone', epochs, seed))
        keep(rows, same_epochs=alone)

def best_rate(learn): # a function of a rate -> training accuracy after a short run
    "Try three learning rates, and more while the best of them is at the edge -> rate: accuracy."
    tried = {lr: learn(lr) for lr in (.1, .2, .4)}
    while (best := max(tried, key=tried.get)) in (min(tried), max(tried)):
        lr = best/2 if best == min(tried) else 2*best
        tried[lr] = learn(lr)
    return tried

def compare():
    "`FAST` was made with *beyond*; the others get a learning rate of their own. The test set is asked once."
    cache, base, rows = photos(96), turn(FAST, size=96, epochs=12), []
    for name in ('beyond', 'torchvision:mobilenet_v3_small', 'torchvision:resnet18'):
        short = name.replace(':', '-')
        def quick(lr):
            recipe, out = turn(base, epochs=2, min_steps=0, size=64, lr=lr), runs/f'{short}-{lr}'
            try: history = train(name, cache, recipe, out, resume=True, init='random')
            except UserError as e:
                if 'no longer a number' not in str(e): raise
                return 0. # it exploded
            return history.train_accuracy.iloc[-1] # validation needs averages that MobileNet gathers over many epochs
        tried = best_rate(quick)
        out, lr = runs/short, max(tried, key=tried.get)
        train(name, cache, turn(base, lr=lr), out, resume=True, init='random')
        r, net = finish_run(out, cache), load_weights(out/'weights.safetensors')
        layers = summary(net, net.meta['size'])
        rows.append({k: r[k] for k in (*FACTS, 'history')} | dict(
            lr=lr, tried=tried, macs=int(layers.macs.sum()), parameters=sum(p.numel() for p in net.parameters())))
        keep(rows)

globals()[study]()
