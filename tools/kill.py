"""Does a run survive being killed at any moment? python tools/kill.py [KILLS]

Trains a small net on the drawn sample, once without interruption, then again and again with a SIGKILL at random
moments, until KILLS (20) of them have struck. Every resumed run must end with exactly the same bits as the
uninterrupted one. Writes results/kill.json."""
import random, subprocess, sys, tempfile, time
from pathlib import Path
import pandas as pd
from animal_cls.evaluate import save_results
from animal_cls.model import load_weights

COMMAND = 'train --model final --size 32 --epochs 6 --batch 32 --seed 1 --quiet --resume --out'.split()
SAME = ['epoch', 'train_loss', 'train_accuracy', 'valid_loss', 'valid_accuracy']

def start(out):
    return subprocess.Popen([sys.executable, '-m', 'animal_cls', *COMMAND, str(out)], stdout=subprocess.DEVNULL)

def ends_alike(a, b):
    "Do two runs have the same weights and history?"
    x, y = (load_weights(out/'weights.safetensors').state_dict() for out in (a, b))
    first, second = (pd.read_csv(out/'history.csv')[SAME] for out in (a, b))
    return all((x[k] == y[k]).all() for k in x) and first.equals(second)

want, dice, kills, rows = int((sys.argv[1:] or [20])[0]), random.Random(0), 0, []
with tempfile.TemporaryDirectory() as tmp:
    alone = Path(tmp)/'alone'
    begun = time.time()
    assert start(alone).wait() == 0
    length = time.time() - begun
    while kills < want:
        out, hits = Path(tmp)/f'run-{len(rows)}', []
        while True:
            p, begun = start(out), time.time()
            writing = kills % 2 == 1 # every second kill waits until a file is being written
            moment = dice.uniform(.2, .9)*length
            while p.poll() is None and time.time() - begun < moment: time.sleep(.01)
            while writing and p.poll() is None and not list(out.glob(f'.*.{p.pid}.part')): time.sleep(.0005)
            if p.poll() is not None:
                if not hits: length = min(length, time.time() - begun) # the first run had cold caches
                break
            p.kill()
            p.wait()
            kills += 1
            hits.append('while writing' if list(out.glob(f'.*.{p.pid}.part')) else 'between')
            if len(hits) == 4: # enough: let this run finish
                assert start(out).wait() == 0
                break
        rows.append(dict(kills=hits, alike=ends_alike(alone, out)))
        print(rows[-1], flush=True)
all_alike = all(r['alike'] for r in rows)
save_results(dict(what='runs that were killed', seconds=length, runs=rows, kills=kills,
                  all_alike=all_alike), Path('results')/'kill.json')
sys.exit(not all_alike)
