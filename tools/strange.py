"""What does a net say to pictures of everything else? python tools/strange.py WEIGHTS DATA STRANGE NAME

DATA holds the photos that the net was trained on, STRANGE pictures of nothing it knows, in folders by kind or in one. The
threshold of each way to tell is what 95 in 100 of the net's validation photos reach; nothing is chosen by the strange
pictures. All ways but the last one are pytorch-ood's; those that need features of training photos use 8,000 of them at
most. Writes results/NAME.json."""
import sys
from pathlib import Path
import numpy as np
import torch
from pytorch_ood.detector import EnergyBased, KNN, Mahalanobis, MaxLogit, MaxSoftmax, ViM
from sklearn.metrics import roc_auc_score
from animal_cls.data import get_data, weights_file
from animal_cls.device import get_device
from animal_cls.evaluate import save_results
from animal_cls.features import closeness, embed
from animal_cls.model import last_layer, load_weights
from animal_cls.preprocess import build_cache, prepare_data, read_split

if len(sys.argv) < 5: sys.exit(__doc__)
weights, data, strange, name = weights_file(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), sys.argv[4]
NEAR = '''
African_crocodile American_black_bear Angora Arabian_camel Madagascar_cat ant bee_eater black-footed_ferret
black_grouse brown_bear bustard capuchin centipede chimpanzee coucal cricket damselfly drake dung_beetle echidna
fly gazelle gibbon grasshopper hare ibex jaguar koala langur lynx orangutan platypus prairie_chicken ptarmigan
quail rhinoceros_beetle scorpion snow_leopard spider_monkey tiger titi weasel wild_boar wombat wood_rabbit
'''.split() # beasts, insects, landfowl
FAR = '''
American_chameleon American_lobster European_fire_salamander European_gallinule Indian_cobra agama albatross
anemone_fish axolotl barracouta black_stork boa_constrictor brain_coral bullfrog chiton dowitcher flamingo gar
garter_snake green_mamba green_snake hammerhead hornbill horned_viper indigo_bunting limpkin macaw rock_python
sea_lion sea_slug sea_snake sidewinder slug snail spoonbill spotted_salamander sturgeon tench thunder_snake
toucan tree_frog triceratops
'''.split()
KINDS = dict.fromkeys(NEAR, 'animals near the ten') | dict.fromkeys(FAR, 'other animals') # the rest are things

model = load_weights(weights).to(get_device())
side, classes = model.meta['cache_size'], model.meta['classes']
split = weights.parent/'split.csv' # without it, the split that `train` makes
cache = prepare_data(*get_data(data), side, read_split(split) if split.exists() else None)
others = build_cache(strange, get_data(strange)[1], side)
found, odd = (torch.from_numpy(embed(model, c).astype(np.float32)) for c in (cache, others))
y = torch.tensor([classes.index(label) for label in cache.items.label])
train, valid, test = (np.flatnonzero(cache.items.part == part) for part in ('train', 'valid', 'test'))
bank = np.random.default_rng(0).permutation(train)[:8000]
last = model.get_submodule(last_layer(model)).cpu()

def fitted(detector): # to features of training photos; theirs says how strange a picture is, not how well known
    detector.fit_features(found[bank], y[bank])
    return lambda x: -detector.predict_features(x)

def of_logits(detector): return lambda x: -detector.predict_logits(last(x))

WAYS = {'highest probability': of_logits(MaxSoftmax(None)), 'largest logit': of_logits(MaxLogit(None)),
        'energy': of_logits(EnergyBased(None)), 'length of the features': lambda x: x.norm(dim=1),
        'Mahalanobis': fitted(Mahalanobis(None)), 'ViM': fitted(ViM(None, 512, last.weight, last.bias)),
        '20th nearest of 8,000 photos': fitted(KNN(None, k=20)),
        'centres (in the weights)': lambda x: closeness(x, model.known)}

kinds = [KINDS.get(Path(p).stem, label or 'things') for p, label in zip(others.items.path, others.items.label)]

def judge(score):
    "How many strange pictures pass, how many test photos stay, how well the two are told apart."
    with torch.no_grad(): kept, new, strange_ones = (torch.cat([score(x) for x in s.split(500)])
                                                     for s in (found[valid], found[test], odd))
    least = kept.quantile(.05)
    passes, told = strange_ones >= least, roc_auc_score([1]*len(new) + [0]*len(odd), torch.cat([new, strange_ones]))
    by = {k: dict(n=kinds.count(k), passes=100*np.mean([bool(p) for p, kind in zip(passes, kinds) if kind == k]))
          for k in dict.fromkeys(sorted(kinds))}
    return dict(passes=100*passes.double().mean().item(), stays=100*(new >= least).double().mean().item(),
                auroc=float(told), by_kind=by)

rows = [dict(way=way) | judge(score) for way, score in WAYS.items()]
with torch.no_grad(): best, label = last(odd).softmax(1).max(1)
sure = best >= model.meta['sure_from']
known = closeness(odd, model.known) >= model.meta['known_from']
said = [dict(kind=Path(p).stem, label=classes[c], probability=b, known=k) for p, c, b, k in
        zip(others.items.path, label.tolist(), best.tolist(), known.tolist())][:1000]
sure, by_probability = (100*which.double().mean().item() for which in (sure & known, sure))
for row in rows:
    print(f"{row['way']:28} pass {row['passes']:5.1f}%  stay {row['stays']:5.1f}%  AUROC {row['auroc']:.4f}")
print(rows[-1]['by_kind'], f'sure of {sure:.1f}% of them, {by_probability:.1f}% by probability alone')
save_results(dict(weights=weights.name, n=len(odd), rows=rows, sure=sure, sure_by_probability=by_probability,
                  said=said), Path('results')/f'{name}.json')
