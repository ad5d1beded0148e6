"""The net of the package: python tools/animals.py DATA OUT TUNED [TUNED ...]

Each TUNED is a run of `animal_cls train DATA --model efficientnet-lite0 --recipe tune`, all with the same split. On the
way from ImageNet to its end such a net forgets a little of what it knew, and each run forgets something else. So the
mean of their weights, and nets half-way and three quarters of the way to it, each with the last layer of the mean, are
shown whole photos of 256 pixels, and the validation part decides: of those whose accuracy lies within the 95% interval
of the best, the one that has gone least far is kept in OUT (after Wortsman et al. 2022, twice). It is calibrated, and
measured on the test part, once."""
import dataclasses
import json
import shutil
import sys
from pathlib import Path
import numpy as np
import torch
from animal_cls.data import get_data
from animal_cls.evaluate import finish_run, save_results, wilson
from animal_cls.model import LITE, create_model, fold, last_layer, load_weights, save_weights
from animal_cls.preprocess import prepare_data, read_split
from animal_cls.recipe import Recipe
from animal_cls.train import predict_logits

SHARES, SIZE = (.5, .75, 1.), 256

if len(sys.argv) < 4: sys.exit(__doc__)
data, out, *tuned = sys.argv[1], *map(Path, sys.argv[2:])
net = load_weights(tuned[0]/'weights.safetensors')
last, meta = last_layer(net), net.meta

def end_of(run):
    "The weights of a run, as they were before calibration."
    was = load_weights(run/'weights.safetensors')
    return {k: t*was.meta['temperature'] if k.startswith(last) else t for k, t in was.state_dict().items()}

splits = [read_split(run/'split.csv') for run in tuned]
assert all(split.equals(splits[0]) for split in splits), 'these runs have different splits'
ends = [end_of(run) for run in tuned]
ended = {k: torch.stack([e[k] for e in ends]).double().mean(0).to(t.dtype) for k, t in ends[0].items()}
begun = create_model(LITE, len(meta['classes']), learned=True).state_dict()
cache = prepare_data(*get_data(data), meta['cache_size'], splits[0])
recipe = dataclasses.replace(Recipe(**meta['recipe']), test_scale=SIZE/meta['recipe']['size'], test_crop=1.)
about = {k: v for k, v in meta.items() if k not in ('temperature', 'sure_from', 'known_from')}
about |= dict(size=SIZE, crop=1., cache_size=cache.size, recipe=dataclasses.asdict(recipe))
rows = np.flatnonzero(cache.items.part == 'valid')
ys = torch.tensor([meta['classes'].index(label) for label in cache.items.label.iloc[rows]])

def about_run(run):
    "Its knobs that the first run has otherwise, and what it reached alone."
    results, header = json.loads((run/'results.json').read_text()), load_weights(run/'weights.safetensors').meta
    knobs = {k: v for k, v in header['recipe'].items() if v != meta['recipe'].get(k)}
    return dict(knobs=knobs, valid=results['valid_accuracy'], test=results['accuracy'], size=header['size'],
                seconds=results['train_seconds'])

def go_to(share):
    moves = {k: t.is_floating_point() and not k.startswith(last) for k, t in ended.items()}
    net.load_state_dict({k: torch.lerp(begun[k], t, share) if moves[k] else t for k, t in ended.items()})

def judge(share):
    go_to(share)
    said = predict_logits(fold(net), cache.xs, rows, about, amp=True).argmax(1)
    accuracy = 100*(said == ys).double().mean().item()
    print(f'{share:.0%} of the way: {accuracy:.2f}% of the validation part', flush=True)
    return accuracy

scores = {share: judge(share) for share in SHARES}
least, _ = wilson(round(max(scores.values())*len(rows)/100), len(rows))
share = min(s for s, accuracy in scores.items() if accuracy >= least)
go_to(share)
out.mkdir(parents=True, exist_ok=True)
about |= dict(share=share, runs=[about_run(run) for run in tuned], accuracy=dict(valid=scores[share]),
              tried={str(s): a for s, a in scores.items()})
save_weights(out/'weights.safetensors', net, about, net.seen)
for name in 'history.csv', 'split.csv': shutil.copyfile(tuned[0]/name, out/name)
results = finish_run(out, cache) | dict(train_seconds=sum(run['seconds'] for run in about['runs']))
save_results(results, out/'results.json')
print(f"{share:.0%} of the way is kept: {results['accuracy']:.2f}% of {results['n']} test photos, "
      f"{results['stay']:.1f}% of them known, ECE {results['ece']:.2f}")
