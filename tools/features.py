"""How fast are features, and how much memory do they take? python tools/features.py DATA

Makes the features of a quarter of the photos of DATA, three times, and once those of all, with EfficientNet-Lite0 as
ImageNet left it. In turn with them runs what they are measured by, since a machine changes its mind from minute to
minute: the net alone with pictures that are ready, and the reference code with the same pictures, as many at a time.
Memory is what the process owns at its peak; mapped files do not count. Writes results/features.json."""
import sys, threading, time
from pathlib import Path
from statistics import median
import torch
from efficientnet_lite_pytorch import EfficientNet
from animal_cls.data import get_data
from animal_cls.device import at_a_time, bf16_pays, get_device
from animal_cls.evaluate import save_results
from animal_cls.features import _imagenet, embed
from animal_cls.model import fold
from animal_cls.preprocess import build_cache

def owned()->int: # MB
    line, = (l for l in Path('/proc/self/status').read_text().splitlines() if l.startswith('RssAnon'))
    return int(line.split()[1])//1024

def watched(f):
    "Seconds, and the peak of what the process owns meanwhile, MB."
    peak, done, start = [owned()], threading.Event(), time.perf_counter()
    def watch():
        while not done.wait(.05): peak.append(owned())
    thread = threading.Thread(target=watch)
    thread.start()
    f()
    done.set()
    thread.join()
    return time.perf_counter() - start, max(peak)

def alone(net, seconds=12):
    "Pictures a second."
    xb, amp, done = torch.randn(at_a_time(get_device(), 192), 3, 192, 192), bf16_pays(get_device()), 0
    xb, net = xb.contiguous(memory_format=torch.channels_last), net.eval().to(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.autocast('cpu', torch.bfloat16, enabled=amp):
        for _ in range(3): net(xb)
        start = time.perf_counter()
        while (passed := time.perf_counter() - start) < seconds:
            net(xb)
            done += len(xb)
    return done/passed

def features(some):
    "Of some photos, anew."
    cache = build_cache(root, some, 192)
    for old in cache.path.glob('features-*'): old.unlink()
    seconds, peak = watched(lambda: embed(model, cache, progress=False))
    return dict(photos=len(cache), seconds=seconds, photos_per_second=len(cache)/seconds, peak_mb=peak)

if len(sys.argv) < 2: sys.exit(__doc__)
root, items = get_data(sys.argv[1])
model, reference, turns = _imagenet(192), EfficientNet.from_name('efficientnet-lite0'), []
quarter = items.iloc[::4].reset_index(drop=True)
for some in quarter, quarter, quarter, items:
    turns.append(dict(net=alone(fold(model)), reference=alone(reference), features=features(some)))
    print(turns[-1], flush=True)
speed = {k: median(t[k] for t in turns) for k in ('net', 'reference')}
speed['features'] = median(t['features']['photos_per_second'] for t in turns)
of_net, of_reference = (speed['features']/speed[k] for k in ('net', 'reference'))
print(f"medians: {speed['features']:.0f} photos a second, {of_net:.2f} of the net alone ({speed['net']:.0f}), "
      f"{of_reference:.2f} of the reference code ({speed['reference']:.0f})")
save_results(dict(images_per_second=speed, turns=turns), Path('results')/'features.json')
