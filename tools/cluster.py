"""One process or two workers? python tools/cluster.py DATA [WEIGHTS]

`animal_cls predict DATA --out` in a process of its own, then the same with `--cluster` on a Dask cluster of two processes
of this machine. The tables must be the same, byte for byte, once their lines are sorted. Writes results/cluster.json."""
import logging, subprocess, sys, tempfile, time
from pathlib import Path
from distributed import LocalCluster
from animal_cls.evaluate import save_results

def predict(data, weights, out, *options)->float: # seconds of the whole process
    start = time.time()
    subprocess.run([sys.executable, '-m', 'animal_cls', 'predict', data, '--weights', weights, '--out', out, '--quiet',
                    *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.time() - start

def main(data, weights='package'):
    with tempfile.TemporaryDirectory() as tmp:
        alone, far = (str(Path(tmp)/f'{name}.csv') for name in ('alone', 'far'))
        seconds = dict(alone=predict(data, weights, alone))
        with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL) as c:
            seconds['two workers'] = predict(data, weights, far, '--cluster', c.scheduler_address)
        a, b = (sorted(Path(p).read_bytes().splitlines()) for p in (alone, far))
    same, n = a == b, len(a) - 1
    print(f'{n:,} photos, {seconds}, {"the same table" if same else "ANOTHER TABLE"}')
    save_results(dict(photos=n, seconds=seconds, same=same, weights=Path(weights).stem),
                 Path('results')/'cluster.json')

if __name__ == '__main__': main(*sys.argv[1:]) if sys.argv[1:] else sys.exit(__doc__)
