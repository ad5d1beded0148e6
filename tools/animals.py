"""The net of the package: python tools/animals.py TUNED DATA OUT

TUNED is a run of `animal_cls train DATA --model efficientnet-lite0 --recipe tune`. On the way from ImageNet to its end
the net forgets a little of what it knew. So nets half-way, three quarters of the way and at the end, each with the last
layer of the end, are shown whole photos of 256 pixels, and the validation part decides: of those within one standard
error of the best, the one that has gone least far is kept in OUT (after Wortsman et al. 2022), calibrated, and measured
on the test part, once."""
import dataclasses
import shutil
import sys
from pathlib import Path
import numpy as np
import torch
from animal_cls.data import get_data
from animal_cls.evaluate import finish_run
from animal_cls.model import LITE, create_model, fold, last_layer, load_weights, save_weights
from animal_cls.preprocess import prepare_data, read_split
from animal_cls.recipe import Recipe
from animal_cls.train import predict_logits

SHARES, SIZE = (.5, .75, 1.), 256

tuned, data, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
net = load_weights(tuned/'weights.safetensors')
last, meta = last_layer(net), net.meta
with torch.no_grad(): # what calibration has done is done anew
    for p in net.get_submodule(last).parameters(): p *= meta['temperature']
begun, ended = create_model(LITE, len(meta['classes']), learned=True).state_dict(), net.state_dict()
ended = {k: t.clone() for k, t in ended.items()}
cache = prepare_data(*get_data(data), meta['cache_size'], read_split(tuned/'split.csv'))
recipe = dataclasses.replace(Recipe(**meta['recipe']), test_scale=SIZE/meta['recipe']['size'], test_crop=1.)
about = {k: v for k, v in meta.items() if k not in ('temperature', 'sure_from')}
about |= dict(size=SIZE, crop=1., cache_size=cache.size, recipe=dataclasses.asdict(recipe))
rows = np.flatnonzero(cache.items.part == 'valid')
ys = torch.tensor([meta['classes'].index(label) for label in cache.items.label.iloc[rows]])

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
best = max(scores.values())
share = min(s for s, accuracy in scores.items() if accuracy >= best - (best*(100 - best)/len(rows))**.5)
go_to(share)
out.mkdir(parents=True, exist_ok=True)
about |= dict(share=share, tried={str(s): a for s, a in scores.items()}, accuracy=dict(valid=scores[share]))
save_weights(out/'weights.safetensors', net, about, net.seen)
for name in 'history.csv', 'split.csv': shutil.copyfile(tuned/name, out/name)
results = finish_run(out, cache)
print(f"{share:.0%} of the way is kept: {results['accuracy']:.2f}% of {results['n']} test photos, "
      f"{results['stay']:.1f}% of them known, ECE {results['ece']:.2f}")
