"""A hundred thousand files through `predict --out`, killed ten times: python tools/many.py FOLDER [N] [KILLS] [WEIGHTS]

Fills FOLDER with N (100,000) copies of the readable photos of the drawn sample, each with other bytes and another name.
Then `animal_cls predict FOLDER --out` runs in a process of its own and is killed (SIGKILL) at random moments, while its
memory is watched; between two starts, the net alone is clocked with pictures that are ready, as many at a time and in as
many streams. In the end, each path must be in the table once, and no line may be half. Writes results/many.json,
or results/many-WEIGHTS.json."""
import random, signal, subprocess, sys, time
from pathlib import Path
from statistics import median
import numpy as np, torch
from animal_cls.answers import read_answers
from animal_cls.augment import prepare
from animal_cls.data import get_data
from animal_cls.device import at_a_time, get_device, in_streams, layout
from animal_cls.evaluate import save_results
from animal_cls.predict import load
from animal_cls.quick import read_photo

if len(sys.argv) < 2: sys.exit(__doc__)
folder, *given = sys.argv[1:]
folder, (n, kills, weights) = Path(folder), [*given, *('100000', '10', 'package')[len(given):]]
n, kills = int(n), int(kills)
table, rng = folder.parent/f'{folder.name}.csv', random.Random(0)
root, items = get_data()
good = [root/p for p in items.path if not read_photo(root/p, 8)[1]]

def fill():
    "Bytes behind the end of a picture make another file of it."
    content = [p.read_bytes() for p in good]
    for k in range(n):
        file = folder/f'{k//1000:03}'/f'{k:06}{good[k % len(good)].suffix}'
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content[k % len(good)] + b'%d' % k)

def alone(seconds=15)->float: # photos a second
    "The net with pictures that are ready."
    net, device = predictor.model, get_device()
    some = good[:at_a_time(device, predictor.meta['size'])]
    xb = torch.from_numpy(np.stack([read_photo(p, predictor.side)[0] for p in some])).to(device)
    xb = prepare(xb, predictor.meta).contiguous(memory_format=layout(device))
    def ask(_):
        with torch.inference_mode(): return len(net(xb).cpu())
    done, start = 0, time.perf_counter()
    def pieces():
        while time.perf_counter() - start < seconds: yield 0
    for k in in_streams(ask, pieces(), device): done += k
    return done/(time.perf_counter() - start)

def lines(): return table.read_bytes().count(b'\n') if table.exists() else 0

def owned(pid)->int: # MB, without mapped files
    try: status = Path(f'/proc/{pid}/status').read_text()
    except OSError: return 0
    return int(next((l.split()[1] for l in status.splitlines() if l.startswith('RssAnon')), 0))//1024

def go_on(until:float)->dict: # seconds after its first line at which it is killed
    "One start of the command."
    before, begun = lines(), time.perf_counter()
    p = subprocess.Popen([sys.executable, '-m', 'animal_cls', 'predict', str(folder), '--out', str(table), '--quiet',
                          '--weights', weights],
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    first, memory = None, []
    while p.poll() is None:
        time.sleep(.1)
        if first is None and lines() > max(before, 1): first = time.perf_counter(), lines()
        if len(memory) < 10*(time.perf_counter() - begun)/10: memory.append(owned(p.pid))
        if first and time.perf_counter() - first[0] > until:
            p.send_signal(signal.SIGKILL)
            break
        last = time.perf_counter(), lines()
    p.wait()
    return dict(start=first[0] - begun, rate=(last[1] - first[1])/(last[0] - first[0]), done=lines() - 1,
                memory=[memory[len(memory)//3], max(memory)])

if not folder.exists(): fill()
table.unlink(missing_ok=True)
predictor, runs = load(weights), []
for k in range(kills + 1):
    was = alone()
    runs.append(go_on(rng.uniform(.4, 1.2)*n/was/(kills + 1) if k < kills else 1e9) | dict(alone=was))
    print(runs[-1], flush=True)
df = read_answers(table)
assert sorted(df.path) == sorted(map(str, folder.rglob('*.*'))) and len(df) == n and (df.error == '').all()
rate, base = (median(r[what] for r in runs) for what in ('rate', 'alone'))
total, clock = (sum(r[k] for r in runs) for k in ('rate', 'alone'))
print(f'{len(df):,} paths, each once; {rate:.0f} photos a second, {rate/base:.2f} of the net alone ({base:.0f}); sums: '
      f"{total/clock:.2f}; starts {max(r['start'] for r in runs):.1f} s at most; memory {max(r['memory'][1] for r in runs)} MB")
name = 'many' if weights == 'package' else f'many-{Path(weights).stem}'
save_results(dict(photos=n, kills=kills, photos_per_second=rate, alone=base, ratio=rate/base, ratio_of_sums=total/clock,
                  start=max(r['start'] for r in runs), runs=runs), Path('results')/f'{name}.json')
