"""Put a finished run into the package: python tools/pack.py RUN DATA NAME 'what the photos are' [--results]

Writes animal_cls/assets/NAME.safetensors (float16 matrices), its model card NAME.md, and results/NAME.json. A net
called 'sample' gets only the weights; with --results only the results are written. The packed weights are measured
again on the run's test set, and refused if their accuracy is not that of the run."""
import json, shutil, sys, tempfile
from pathlib import Path
from animal_cls.data import ASSETS, get_data, weights_file
from animal_cls.evaluate import evaluate, save_results
from animal_cls.model import load_weights, read_seen, save_weights
from animal_cls.predict import leave_graph

if len(sys.argv) < 5: sys.exit(__doc__)
run, data, name, photos = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
results = json.loads((run/'results.json').read_text())
results_file, strange_file = (Path('results')/f'{name}{more}.json' for more in ('', '-strange'))
if results.get('known') and not results.get('folds'):
    sys.exit(f"{results['known']} photos of the test set are not new to this net or to its teacher.")
if sys.argv[5:] == ['--results']:
    save_results(results | dict(name=name, photos=photos), results_file)
    sys.exit()
model = load_weights(run/'weights.safetensors')
meta = model.meta
target = ASSETS/f'{name}.safetensors'
root, items = get_data(data)
with tempfile.TemporaryDirectory() as tmp: # the net that is there now stays until this one has passed
    file = Path(tmp)/target.name
    save_weights(file, model, meta, read_seen(run/'weights.safetensors'), half=True)
    packed = evaluate(file, root, items)
    if packed['n'] != results['n'] or abs(packed['accuracy'] - results['accuracy']) > .1:
        sys.exit(f"The packed weights reach {packed['accuracy']:.2f}% on {packed['n']} photos, "
                 f"the run {results['accuracy']:.2f}% on {results['n']}.")
    shutil.copyfile(file, target)
if target == weights_file(): leave_graph(target) # the net that answers when none is named answers at once
if name == 'sample':
    print(target, f"{packed['accuracy']:.2f}%: a net for the notebooks, without a card")
    sys.exit()
save_results(results | dict(name=name, photos=photos, accuracy_packed=packed['accuracy']), results_file)

r, split, chosen_on = results['recipe'], results['split'], results['chosen_on']
low, high = results['interval']
knobs = ', '.join(f'{k} {v}' for k, v in r.items() if k not in ('name', 'seed', 'teacher'))
on_90 = next(c['accuracy'] for c in results['coverage'] if c['coverage'] == 90)
began, taught = {}, {}
if 'share' in meta:
    tried = ', '.join(f'{float(k):.0%}: {v:.2f}%' for k, v in meta['tried'].items())
    began = {'pretrained': 'it began as EfficientNet-Lite0 with ImageNet weights (`imagenet.md`); '
             f"{len(meta['runs'])} runs tuned all layers, their mean was taken, and the weights below the last layer "
             f"moved back to {meta['share']:.0%} of the way (`tools/animals.py`; on the validation part {tried})"}
    for k, run in enumerate(meta['runs'], 1):
        differs = ', '.join(f'{knob} {v}' for knob, v in run['knobs'].items())
        began[f'run {k} alone'] = (f"{run['test']:.1f}% of the test set, {run['valid']:.1f}% of `valid`, "
                                   f"at {run['size']} pixels" + f'; other knobs: {differs}'*bool(differs))
if teacher := r.get('teacher'):
    who = '*animals*, the net in the package' if teacher == 'package' else Path(teacher).name
    taught = {'teacher': f"{who}, a net of the kind {meta['taught_by']}: it saw every crop, too; its answers were "
              'learned instead of the labels (Hinton et al. 2015), and with them its features (Romero et al. 2015)'}
promises = {}
if 'stay' in results:
    sets = ', '.join(f"{s['coverage']:.1f}% for a promise of {s['confidence']:.0%} ({s['size']:.2f} classes in a set)"
                     for s in results['sets'])
    promises = {'none of these': f"{results['stay']:.1f}% of the test photos count as known (a closeness of "
                f"{meta['known_from']:.3f} or more)", 'sets of classes': f'hold the right one for {sets}'}
    if strange_file.exists():
        strange = json.loads(strange_file.read_text())
        own = strange['rows'][-1]
        promises['none of these'] += (f"; of {strange['n']} pictures of other things {own['passes']:.1f}% pass as "
                                      f"known, and it is sure of {strange['sure']:.1f}%")
facts = {
    'net': f"`{results['model']}`, {sum(p.numel() for p in model.parameters()):,} parameters, "
           f"{meta['size']}×{meta['size']} pixels",
    **began, **taught,
    'photos': photos,
    'split': f"{split['train']:,} train, {split.get('valid', 0):,} valid, {split['test']:,} test; near-duplicates stay "
             f"on one side; `{chosen_on}` chose the epoch ({results['epoch']} of {results['epochs']}), "
             'test was measured once' + ', for each run and for each net made of them that was tried'*bool(began),
    'recipe': f"`{r['name']}`, seed {r['seed']}: {knobs}",
    'accuracy on the test set': f"**{results['accuracy']:.1f}%** (95% interval {low:.1f}–{high:.1f}, "
                                f"n = {results['n']:,}); with flip averaging {results['accuracy_flip']:.1f}%; "
                                f"on `{chosen_on}` {results['valid_accuracy']:.1f}%",
    'train–test gap': f"{results['gap_augmented']:.1f} points with augmentation, "
                      f"{results['gap']:.1f} on clean training photos",
    'calibration': f"expected calibration error {results['ece']:.1f} points; {results['ece_before']:.1f} before the "
                   f"logits were divided by {results['temperature']:.2f}, a temperature chosen on the validation set",
    'not sure': f"below a probability of {results['sure_from']:.2f}; on the 90% of test photos it is most sure of, "
                f'it is right {on_90:.1f}% of the time',
    **promises,
    'made on': f"{results['machine']}, {results['train_seconds']/60:.0f} minutes of training steps, "
               f"torch {results['versions']['torch']}",
    'stored': f'float16 matrices, {target.stat().st_size/1e6:.1f} MB; '
              f"accuracy of the stored file {packed['accuracy']:.1f}%"}
knows = ("It knows only these {0} animals. Most pictures of something else it calls 'none of these', but not all: "
         'animals like the ten pass more often than things.') if promises else (
         'It knows only these {0} animals and always answers with one of them, even for a photo of a\nchair.')
table = '\n'.join(f'| {what} | {fact} |' for what, fact in facts.items())
rows = '\n'.join(f"| {c['label']} ({c['english']}) | {c['photos']} | {c['recall']:.1f} |" for c in results['per_class'])
def header(results): # as Hugging Face reads it
    return f"""---
license: apache-2.0
library_name: animal_cls
pipeline_tag: image-classification
tags: [image-classification, grad-cam, pytorch, onnx]
metrics: [accuracy]
model-index:
- name: {results['name']}
  results:
  - task: {{type: image-classification}}
    dataset: {{type: animals-10, name: 'Animals-10, test part of {results['n']:,} photos without near-duplicates elsewhere'}}
    metrics:
    - {{type: accuracy, value: {results['accuracy']:.1f}}}
---
"""

(ASSETS/f'{name}.md').write_text(f"""{header(results | dict(name=name))}# Model card: {name}

Written by `tools/pack.py` from the run's own files; no number here is typed by hand.

| | |
| --- | --- |
{table}

| class | test photos | recall (%) |
| --- | --- | --- |
{rows}

## Known limits

{len(meta['runs']) if began else 'One'} seed{'s'*bool(began)}. {knows.format(len(meta['classes']))} It was trained on web
photos with one animal in the middle; others found about 2% of them wrongly labelled. It
has not been tried on photos from wildlife cameras, on drawings, or on unusual views. 'Not sure' finds hard photos of
these animals, not pictures of something else. The rights to the photos are unclear; this package contains none of
their pixels.
""", encoding='utf-8')
print(target, f"{packed['accuracy']:.2f}% as stored, {results['accuracy']:.2f}% in the run")
