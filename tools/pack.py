"""Put a finished run into the package: python tools/pack.py RUN DATA NAME 'what the photos are' [--results]

Writes animal_cls/assets/NAME.safetensors (float16 matrices), its model card NAME.md, and results/NAME.json (of a net called sample the weights alone); with --results the last
alone. The packed weights are measured again on the run's test part, and refused when their accuracy is not that of the run."""
import json, sys
from pathlib import Path
from animal_cls.data import ASSETS, get_data
from animal_cls.evaluate import evaluate, save_results
from animal_cls.model import load_weights, read_seen, save_weights

run, data, name, photos = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
results = json.loads((run/'results.json').read_text())
if sys.argv[5:] == ['--results']: sys.exit(save_results(results | dict(name=name, photos=photos), Path('results')/f'{name}.json'))
model, meta = load_weights(run/'weights.safetensors')
target = ASSETS/f'{name}.safetensors'
save_weights(target, model, meta, read_seen(run/'weights.safetensors'), half=True)
root, items = get_data(data)
packed = evaluate(target, root, items)
if packed['n'] != results['n'] or abs(packed['accuracy'] - results['accuracy']) > .1:
    target.unlink(); sys.exit(f"packed weights reach {packed['accuracy']:.2f}% on {packed['n']} photos, the run {results['accuracy']:.2f}% on {results['n']}")
if name == 'sample': sys.exit(print(target, f"{packed['accuracy']:.2f}%: a net for the notebooks, without a card") or 0)
save_results(results | dict(name=name, photos=photos, accuracy_packed=packed['accuracy']), Path('results')/f'{name}.json')

r, low, high = results['recipe'], *results['interval']
rows = '\n'.join(f"| {c['label']} ({c['english']}) | {c['photos']} | {c['recall']:.1f} |" for c in results['per_class'])
(ASSETS/f'{name}.md').write_text(f"""# Model card: {name}

Written by `tools/pack.py` from the run's own files; no number here is typed by hand.

| | |
| --- | --- |
| net | `{results['model']}`, {sum(p.numel() for p in model.parameters()):,} parameters, {meta['size']}×{meta['size']} pixels |
| photos | {photos} |
| split | {results['split']['train']:,} train, {results['split'].get('valid', 0):,} valid, {results['split']['test']:,} test; near-duplicates on one side; `{results['chosen_on']}` chose the epoch ({results['epoch']} of {results['epochs']}), test was measured once |
| recipe | `{r['name']}`, seed {r['seed']}: {', '.join(f'{k} {v}' for k, v in r.items() if k not in ('name', 'seed'))} |
| accuracy on the test part | **{results['accuracy']:.1f}%** (95% interval {low:.1f}–{high:.1f}, n = {results['n']:,}); with flip averaging {results['accuracy_flip']:.1f}%; on `{results['chosen_on']}` {results['valid_accuracy']:.1f}% |
| train–test gap | {results['gap_augmented']:.1f} points with augmentation on, {results['gap']:.1f} on clean training photos |
| calibration | expected calibration error {results['ece']:.1f} points; {results['ece_before']:.1f} before the logits were divided by {results['temperature']:.2f}, which the validation part chose |
| not sure | below a probability of {results['sure_from']:.2f}; on the 90% of test photos that it is most sure of it is right on {next(c['accuracy'] for c in results['coverage'] if c['coverage'] == 90):.1f}% |
| made on | {results['machine']}, {results['train_seconds']/60:.0f} minutes of training steps, torch {results['versions']['torch']} |
| stored | float16 matrices, {target.stat().st_size/1e6:.1f} MB; accuracy of the stored file {packed['accuracy']:.1f}% |

| class | test photos | recall (%) |
| --- | --- | --- |
{rows}

## Known limits

One seed. It knows these {len(meta['classes'])} animals only and always answers with one of them, also for a photo of a chair. It was trained on web photos
with one animal in the middle, of which others found about 2% wrongly labelled; it has not been tried on photos from wildlife
cameras, drawings or unusual views. 'Not sure' finds hard photos of these animals, not pictures of something else.
The rights to the photos are unclear; no pixel of them is in this package.
""", encoding='utf-8')
print(target, f"{packed['accuracy']:.2f}% as stored, {results['accuracy']:.2f}% in the run")
