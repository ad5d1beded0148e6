"""Do the heat maps of each generation tell the truth? python tools/maps.py RUNS [NET...]

Trains each net (or those named; the others keep their scores) on the drawn sample with FAST, at its own size; runs that
are already in RUNS are not repeated. Writes results/maps.json: the scores of notebook 09 for each net and method, on
drawings that none of them has seen."""
import json, sys
from pathlib import Path
import torch
from animal_cls.data import get_data
from animal_cls.evaluate import save_results
from animal_cls.gradcam import score_maps, to_batch
from animal_cls.device import get_device, set_seed
from animal_cls.model import MODELS, load_weights
from animal_cls.preprocess import prepare_data
from animal_cls.sample import KINDS, draw_animal
from animal_cls.recipe import FAST
from animal_cls.train import train

if len(sys.argv) < 2: sys.exit(__doc__)
root, items = get_data()
kinds = sorted(KINDS)*6
photos, masks = zip(*(draw_animal(kind, 2000 + i) for i, kind in enumerate(kinds)))
file, names = Path('results')/'maps.json', sys.argv[2:] or list(MODELS)
before = json.loads(file.read_text()) if len(names) < len(MODELS) else dict(right={}, maps=[])
right, maps = before['right'], [r for r in before['maps'] if r['model'] not in names]
for name in names:
    out = Path(sys.argv[1])/name
    train(name, prepare_data(root, items, MODELS[name].size*9//8), FAST, out, resume=True)
    model = load_weights(out/'weights.safetensors').to(get_device())
    set_seed(0)
    xb = to_batch(photos, model.meta).to(get_device())
    with torch.inference_mode(): answers = model(xb).argmax(1).tolist()
    right[name] = sum(100*(model.meta['classes'][a] == kind) for a, kind in zip(answers, kinds))/len(kinds)
    scores = score_maps(model, photos, masks, steps=16).rename_axis('method').reset_index()
    maps += scores.assign(model=name).astype(object).to_dict('records')
    print(name, right[name], *maps[-5:], sep='\n', flush=True)
maps.sort(key=lambda row: list(MODELS).index(row['model']))
maps = [{k: v for k, v in row.items() if v == v} for row in maps] # leave out NaN: noise has no net to forget
save_results(dict(what='heat maps against the truth', n=len(kinds), right=right, maps=maps), file)
