"""How fast are features, and how much memory do they take? python tools/features.py DATA

Makes the features of all photos of DATA anew, with EfficientNet-Lite0 as ImageNet left it, and of a tenth of them. Beside
the photos a second stands what the net alone can do with pictures that are ready, and what the reference code can do
with them. Memory is what the process owns at its peak; mapped files do not count. Writes results/features.json."""
import sys, threading, time
from pathlib import Path
import torch
from efficientnet_lite_pytorch import EfficientNet
from animal_cls.data import get_data
from animal_cls.device import bf16_pays, get_device, machine
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

def alone(net, repeats=8):
    "Pictures a second, the best of a few batches."
    xb = torch.randn(128, 3, 192, 192).contiguous(memory_format=torch.channels_last)
    net, seconds = net.eval().to(memory_format=torch.channels_last), []
    amp = bf16_pays(get_device())
    with torch.inference_mode(), torch.autocast('cpu', torch.bfloat16, enabled=amp):
        for _ in range(repeats):
            start = time.perf_counter()
            net(xb)
            seconds.append(time.perf_counter() - start)
    return 128/min(seconds)

root, items = get_data(sys.argv[1])
model, rows = _imagenet(192), []
speed = dict(net=alone(fold(model)), reference=alone(EfficientNet.from_name('efficientnet-lite0')))
for some in items.iloc[::10].reset_index(drop=True), items:
    cache = build_cache(root, some, 192)
    for old in cache.path.glob('features-*'): old.unlink()
    seconds, peak = watched(lambda: embed(model, cache))
    rows.append(dict(photos=len(cache), seconds=seconds, photos_per_second=len(cache)/seconds, peak_mb=peak))
    print(rows[-1], flush=True)
again = alone(fold(model)) # the machine may have changed its mind meanwhile
last = rows[-1]['photos_per_second']
print(f"{last:.0f} photos a second; the net alone {speed['net']:.0f} and, afterwards, {again:.0f}; "
      f"the reference code {speed['reference']:.0f}")
save_results(dict(images_per_second=speed | dict(net_afterwards=again), runs=rows, machine=machine()),
             Path('results')/'features.json')
