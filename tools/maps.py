"""Do the heat maps of each generation tell the truth? python tools/maps.py RUNS

Trains each net on the drawn sample with FAST, at its own size; what is already in RUNS is not repeated. Writes results/maps.json: the
scores of notebook 08 for each net and method, on drawings that none of them has seen."""
import dataclasses, sys
from pathlib import Path
import torch
from animal_cls.data import get_data
from animal_cls.evaluate import save_results
from animal_cls.gradcam import score_maps, to_batch
from animal_cls.model import MODELS, get_device, load_weights, machine, set_seed
from animal_cls.preprocess import prepare_data
from animal_cls.sample import KINDS, draw_animal
from animal_cls.train import FAST, train

LR = dict(beginnings=.02, deeper=.2, final=.2) # FAST's rate is made for the fourth; at .4 the large linear layer of the first learns nothing
root, items = get_data()
kinds = sorted(KINDS)*6
photos, masks = zip(*(draw_animal(kind, 2000 + i) for i, kind in enumerate(kinds)))
right, maps = {}, []
for name, net in MODELS.items():
    out = Path(sys.argv[1])/name
    train(name, prepare_data(root, items, net.size*9//8), dataclasses.replace(FAST, lr=LR.get(name, FAST.lr)), out, resume=True)
    model, meta = load_weights(out/'weights.safetensors')
    set_seed(0)
    with torch.inference_mode(): answers = model.to(get_device())(to_batch(photos, meta).to(get_device())).argmax(1).tolist()
    right[name] = sum(100*(meta['classes'][a] == kind) for a, kind in zip(answers, kinds))/len(kinds)
    maps += score_maps(model, meta, photos, masks, steps=16).rename_axis('method').reset_index().assign(model=name).astype(object).to_dict('records')
    print(name, right[name], *maps[-5:], sep='\n', flush=True)
maps = [{k: v for k, v in r.items() if v == v} for r in maps] # noise has no net to forget
save_results(dict(what='heat maps against the truth', machine=machine(), n=len(kinds), right=right, maps=maps), Path('results')/'maps.json')
