"""The net of the package: python tools/animals.py TUNED DATA OUT

TUNED is a run of `animal_cls train DATA --model efficientnet-lite0 --recipe tune`. On the way from ImageNet to its end
the net forgets a little of what it knew. So nets half-way, three quarters of the way and at the end each get a new last
layer (a probe), and the validation part decides: of those within one standard error of the best, the one that has gone
least far is kept in OUT, calibrated and measured on the test part, once (after Wortsman et al. 2022)."""
import dataclasses
import json
import shutil
import sys
from pathlib import Path
import torch
from animal_cls.data import get_data
from animal_cls.evaluate import finish_run
from animal_cls.features import probe
from animal_cls.model import LITE, add_to_header, create_model, load_weights, save_weights
from animal_cls.preprocess import prepare_data, read_split
from animal_cls.recipe import PROBE, Recipe

SHARES = .5, .75, 1.

tuned, data, out = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
net = load_weights(tuned/'weights.safetensors')
begun, ended, meta = create_model(LITE, len(net.meta['classes']), learned=True).state_dict(), net.state_dict(), net.meta
cache = prepare_data(*get_data(data), meta['cache_size'], read_split(tuned/'split.csv'))

def go(share):
    "Accuracy on the validation part of the net that has gone so far, with a last layer of its own."
    pairs = ((k, begun[k], t) for k, t in ended.items())
    net.load_state_dict({k: torch.lerp(a, b, share) if b.is_floating_point() else b for k, a, b in pairs})
    start, here = out/f'start-{share}.safetensors', out/f'share-{share}'
    save_weights(start, net, dict(classes=meta['classes'], size=PROBE.size, mean=meta['mean'], std=meta['std']))
    row = probe(LITE, cache, PROBE, here, resume=True, init=start).iloc[0]
    print(f'{share:.0%} of the way: {row.valid_accuracy:.2f}% of the validation part', flush=True)
    return row.valid_accuracy

out.mkdir(parents=True, exist_ok=True)
scores = {share: go(share) for share in SHARES}
best, n = max(scores.values()), int((cache.items.part == 'valid').sum())
error = (best*(100 - best)/n)**.5
share = min(s for s, accuracy in scores.items() if accuracy >= best - error)
for name in 'weights.safetensors', 'split.csv': shutil.copyfile(out/f'share-{share}'/name, out/name)
shutil.copyfile(tuned/'history.csv', out/'history.csv')
recipe = dataclasses.asdict(dataclasses.replace(Recipe(**meta['recipe']), test_scale=1., test_crop=1.))
add_to_header(out/'weights.safetensors', recipe=recipe, epoch=meta['epoch'],
              finished=meta.get('finished', meta['epoch']), share=share, tried={str(s): a for s, a in scores.items()})
results = finish_run(out, cache)
(out/'results.json').write_text(json.dumps(results | dict(share=share, tried=scores), indent=1))
print(f"{share:.0%} of the way is kept: {results['accuracy']:.2f}% of {results['n']} test photos, "
      f"{results['stay']:.1f}% of them known, ECE {results['ece']:.2f}")
