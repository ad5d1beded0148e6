"""What this project does on a graphics card, in one command for a bare machine: one card, no network, eight minutes.

python tools/gpu.py --pack PHOTOS   once, anywhere: puts into gpu/ (ignored by git) what such a machine lacks
python tools/gpu.py                 on the card: every step, results in results/gpu-STEP.json
python tools/gpu.py STEP...         some of the steps
python tools/gpu.py --tiny          every step on the drawn sample, on any machine, in under a minute

Each step is a process with a time limit of its own and writes its result as it goes, so a step that fails, hangs or is
cut short costs only what it had left. With --plant two more steps do fail and hang, and the exit status says whether
that was all that went wrong."""
import argparse
import copy
import dataclasses
import importlib
import io
import json
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]
os.environ['PYTHONPATH'] = str(ROOT)
os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8')  # for steps that ask for deterministic algorithms
if '--tiny' in sys.argv:
    os.environ['OMP_NUM_THREADS'] = '1'  # two steps run beside each other

import numpy as np
import pandas as pd
from PIL import Image

BEGAN = time.time()
parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parse.add_argument('steps', nargs='*', metavar='STEP')
parse.add_argument('--pack', metavar='PHOTOS', help='a folder with one folder for each class')
parse.add_argument('--out', type=Path, default=ROOT/'results', help='folder for the results')
parse.add_argument('--tiny', action='store_true')
parse.add_argument('--plant', action='store_true')
args = parse.parse_args()

# The archive: photos squeezed to squares and glued together, 16×16 on a sheet. As sheets of AVIF they take fewer bytes
# than as single files of WebP: at the same size *beyond* loses 3 points of accuracy instead of 4.
SIDE, ACROSS = 128, 16
SHEET = ACROSS*ACROSS
KEYS = ['key0', 'key1', 'key2']  # columns: what a picture can be recognised by

def glue(xs):  # (n, S, S, 3) uint8, n at most SHEET -> one picture
    xs = np.concatenate([xs, np.zeros((SHEET - len(xs), *xs.shape[1:]), np.uint8)])
    side = xs.shape[1]
    rows = xs.reshape(ACROSS, ACROSS, side, side, 3).transpose(0, 2, 1, 3, 4)
    return Image.fromarray(rows.reshape(ACROSS*side, ACROSS*side, 3))

def cut(sheet):  # one picture -> (SHEET, S, S, 3) uint8
    side = sheet.width//ACROSS
    rows = np.asarray(sheet.convert('RGB')).reshape(ACROSS, side, ACROSS, side, 3)
    return rows.transpose(0, 2, 1, 3, 4).reshape(SHEET, side, side, 3)

def pack(root, items, archive, side=SIDE, quality=53):
    "Split, squeeze and write the photos of a folder into one zip."
    from animal_cls.preprocess import prepare_data
    cache = prepare_data(root, items, side, progress=not args.tiny)
    keys = pd.DataFrame(np.stack(cache.items.key), columns=KEYS)
    with zipfile.ZipFile(archive, 'w') as z:
        z.writestr('items.csv', pd.concat([cache.items.drop(columns='key'), keys], axis=1).to_csv(index=False))
        for i in range(0, len(cache), SHEET):
            data = io.BytesIO()
            glue(cache.xs[i:i+SHEET]).save(data, 'AVIF', quality=quality, speed=6)
            z.writestr(f'{i:06}.avif', data.getvalue())
    print(f'{archive}: {len(cache)} photos, {archive.stat().st_size/1e6:.1f} MB')

def measure_archive(archive):
    "What squeezing costs: the packed weights on the test part of the archive, beside their usual accuracy."
    from animal_cls.data import ASSETS
    from animal_cls.evaluate import measure
    from animal_cls.model import load_weights
    with tempfile.TemporaryDirectory() as tmp:
        args.work, rows = Path(tmp), {}
        unpack(archive, args.work)
        cache = photos()
        test = np.flatnonzero(cache.items.part == 'test')
        for name in 'beyond-taught', 'final':
            net = load_weights(ASSETS/f'{name}.safetensors')
            found = measure(net, cache, test)
            rows[name] = dict(usual=net.meta['accuracy']['test'], archive=found['accuracy'])
            rows[name] |= {k: found[k] for k in ('interval', 'n')}
        print(rows)
        keep('archive', photos=len(cache), bytes=archive.stat().st_size, side=SIDE, nets=rows)

def unpack(archive, work):
    "The archive as a finished cache: pixels.u8, items.csv, bad.csv, about.json."
    with zipfile.ZipFile(archive) as z:
        table = pd.read_csv(z.open('items.csv'), keep_default_na=False, dtype=dict.fromkeys(KEYS, 'uint64'))
        sheets = {name: z.read(name) for name in sorted(z.namelist()) if name.endswith('.avif')}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        xs = np.concatenate(list(pool.map(lambda b: cut(Image.open(io.BytesIO(b))), sheets.values())))[:len(table)]
    (work/'photos').mkdir()
    xs.tofile(work/'photos'/'pixels.u8')
    table.to_csv(work/'photos'/'items.csv', index=False)
    pd.DataFrame(columns=['path', 'label', 'error']).to_csv(work/'photos'/'bad.csv', index=False)
    (work/'photos'/'about.json').write_text(json.dumps(dict(size=xs.shape[1], photos=len(xs))))

def photos():
    "The unpacked cache, with its split and its keys."
    from animal_cls.preprocess import Cache
    cache = Cache(args.work/'photos')
    cache.items['key'] = list(cache.items[KEYS].astype('uint64').to_numpy())
    cache.items = cache.items.drop(columns=KEYS)
    return cache

def keep(name, **facts):
    "Write what a step has found so far."
    import torch
    from animal_cls.evaluate import save_results
    about = dict(step=name, torch=torch.__version__, cuda=torch.version.cuda, tiny=args.tiny)
    if (packed := ROOT/'gpu'/'revision.txt').exists(): about['revision'] = packed.read_text()
    save_results(about | facts, args.out/f'gpu-{name}.json')

def turned(recipe, **knobs):
    "A recipe for a step: as it is on a card, next to nothing with --tiny."
    small = dict(epochs=1, size=32, batch=64, stages=((1., 1.),), min_steps=0, min_batches=1) if args.tiny else {}
    return dataclasses.replace(recipe, **knobs | small)

# The steps

def cells():
    "The `#| cuda` cells of all notebooks, each after the exports of its own chapter."
    rows = []
    for file in sorted((ROOT/'nbs').glob('*.ipynb')):
        code = [''.join(c['source']) for c in json.loads(file.read_text())['cells'] if c['cell_type'] == 'code']
        asked = [c for c in code if c.startswith('#| cuda')]
        if not asked:
            continue
        module = next((c.split()[2] for c in code if c.startswith('#| default_exp')), None)
        names = dict(vars(importlib.import_module(f'animal_cls.{module}'))) if module else {}
        for source in asked:
            start = time.perf_counter()
            try:
                exec(compile(source, f'{file.name}: cuda cell {len(rows) + 1}', 'exec'), names)
                said = ''
            except BaseException as e:
                said = f'{type(e).__name__}: {e}'
                traceback.print_exc()
            facts = dict(notebook=file.name, first=source.splitlines()[1], said=said)
            rows.append(facts | dict(seconds=time.perf_counter() - start))
            keep('cells', rows=rows)
    if any(r['said'] for r in rows):
        raise SystemExit(f"{sum(bool(r['said']) for r in rows)} of {len(rows)} cells failed")

def far(cache):
    "The same cache, which says that it is too large for a card."
    class Far(np.ndarray):
        nbytes = 10**15
    other = copy.copy(cache)
    other.xs = cache.xs.view(Far)
    return other

def speed():
    "Images a second and share of peak of FAST's steps, data included: by net, size, batch and way."
    from animal_cls.recipe import FAST
    from animal_cls.device import pixels_on
    from animal_cls.model import summary
    from animal_cls.train import new_run, one_step, settle
    cache, rows = photos(), []
    cache = cache.with_parts(train=np.flatnonzero(cache.items.part == 'train')[:4096]) # speed does not ask for more
    nets, sizes = (['final'], [32]) if args.tiny else (['final', 'beyond'], [64, 96, 128])
    todo = [(net, size, 128, way) for net in nets for size in sizes for way in ('plain', 'recorded')]
    todo += [(net, sizes[-1], batch, 'recorded') for net in nets for batch in (64, 256, 512)]
    other = 'recorded, TF32', 'recorded, photos fetched each step'
    todo += [(net, sizes[-1], 128, way) for net in nets for way in other]
    todo += [('final', sizes[-1], 128, 'recorded, compiled')]*(not args.tiny)
    for net, size, batch, way in todo:
        start = time.perf_counter()
        knobs = dict(size=size, batch=8 if args.tiny else batch, min_batches=1, stages=((1., 1.),))
        knobs |= dict(schedule='plateau', lr=.001)
        ways = dict(graph='recorded' in way, compile='compiled' in way, fast_math='TF32' not in way)
        run = new_run(net, cache, dataclasses.replace(turned(FAST), **knobs, **ways))
        batch = run.recipe.batch
        if 'fetched' in way:
            run.batches.pixels = pixels_on(far(cache), run.batches.device, batch)
        for _ in range(4 if args.tiny else 12):
            one_step(run)
        settle(run)
        ready, steps = time.perf_counter(), 4 if args.tiny else 96
        for _ in range(steps):
            one_step(run)
        settle(run)
        rate = steps*batch/(time.perf_counter() - ready)
        share = 6*int(summary(run.model, size).macs.sum())*rate/run.meter.peak
        facts = dict(net=net, size=size, batch=batch, way=way, images_per_second=rate, peak_share=share)
        rows.append(facts | dict(ready_after=ready - start))
        print(rows[-1], flush=True)
        keep('speed', peak=run.meter.peak, rows=rows)

def profile():
    "Where the time of a step goes: the kernels of `final` at its last size, longest first."
    import torch
    from animal_cls.recipe import FAST
    from animal_cls.train import new_run, one_step, settle
    run = new_run('final', photos(), turned(FAST, stages=((1., 1.),), graph=False, lr=.01)) # also beyond its end
    for _ in range(5):
        one_step(run)
    settle(run)
    with torch.profiler.profile() as found:
        for _ in range(5):
            one_step(run)
        settle(run)
    on_card = run.batches.device.type == 'cuda'
    spent = lambda e: (e.self_device_time_total if on_card else e.self_cpu_time_total)/5
    table = sorted(found.key_averages(), key=spent, reverse=True)[:30]
    rows = [dict(name=e.key[:120], microseconds=spent(e), calls=e.count/5) for e in table]
    keep('profile', batch=run.recipe.batch, rows=rows)

def learn(step, net, recipe, init=None):
    "One run from the cache to its results, noted after each epoch."
    from animal_cls.evaluate import finish_run
    from animal_cls.train import train
    cache, out, start = photos(), args.work/step, time.perf_counter()
    clock, reached = [], {}
    def note(history):
        clock.append(time.perf_counter() - start)
        for mark in (87.6, 90., 92.):
            if history.valid_accuracy.iloc[-1] >= mark:
                reached.setdefault(str(mark), clock[-1])
        keep(step, seconds_to=reached, clock=clock, history=history.to_dict('records'))
    train(net, cache, recipe, out, init=init, progress=False, on_epoch=note)
    results = finish_run(out, cache)
    shown = 'accuracy', 'valid_accuracy', 'accuracy_flip', 'train_seconds', 'epochs'
    print({k: results[k] for k in shown}, reached, clock[-1])
    keep(step, seconds_to=reached, clock=clock, **results)
    return results | dict(seconds_to=reached)

def fast_final():
    from animal_cls.recipe import FAST
    learn('fast-final', 'final', turned(FAST))

LONG = dict(epochs=80, stages=((.6, .5), (.85, .75), (1., 1.)), mixup=.2) # as in results/beyond.json

def fast_beyond():
    from animal_cls.recipe import FAST
    learn('fast-beyond', 'beyond', turned(FAST, **LONG))

def deck():
    "To its end: 100 epochs or its early stop. bf16, as in results/deck.json."
    from animal_cls.recipe import DECK
    learn('deck', 'final', turned(DECK, fast_math=True, compile=not args.tiny))

def tune():
    from animal_cls.model import LITE
    from animal_cls.recipe import TUNE
    learn('tune', LITE, turned(TUNE))

def probe():
    "The last layer of the default net, on features."
    from animal_cls.evaluate import finish_run
    from animal_cls.features import probe as learn_last
    from animal_cls.model import LITE
    from animal_cls.recipe import PROBE
    cache, out, start = photos(), args.work/'probe', time.perf_counter()
    learn_last(LITE, cache, turned(PROBE), out, progress=False)
    ready = time.perf_counter() - start
    results = finish_run(out, cache)
    print({k: results[k] for k in ('accuracy', 'valid_accuracy')}, ready)
    keep('probe', ready_after=ready, **results)

def taught():
    "*Beyond* with the net in the package as its teacher, otherwise as `fast_beyond`."
    from animal_cls.recipe import FAST
    learn('taught', 'beyond', turned(FAST, **LONG, teacher='package'))

def seeds():
    "Three seeds of *beyond* with `FAST` as it stands."
    from animal_cls.recipe import FAST
    wanted, rows = ('accuracy', 'interval', 'n', 'valid_accuracy', 'accuracy_flip', 'train_seconds', 'seconds_to'), []
    for seed in range(3):
        results = learn('seeds', 'beyond', turned(FAST, seed=seed))
        shutil.rmtree(args.work/'seeds')
        rows.append(dict(seed=seed) | {k: results[k] for k in wanted})
        keep('seeds', rows=rows, epochs=results['epochs'], recipe=results['recipe'])

def ddp():
    "DistributedDataParallel: two processes share the card and learn; one process by nccl learns what none does."
    two = pair()
    keep('ddp', two=two)
    import torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel
    from animal_cls.device import get_device, set_seed
    from animal_cls.model import create_model
    from animal_cls.recipe import FAST
    from animal_cls.train import make_optimizer, train_step
    device, losses = get_device(), {}
    torch.backends.cudnn.deterministic = True
    backend = 'nccl' if device.type == 'cuda' else 'gloo'
    dist.init_process_group(backend, init_method=f"file://{args.work/'meet'}", rank=0, world_size=1)
    recipe = turned(FAST, lr=.05, size=32 if args.tiny else 128)
    for name, wrap in dict(alone=lambda m: m, ddp=DistributedDataParallel).items():
        set_seed(0)
        net = wrap(create_model('final', 10).to(device))
        opt = make_optimizer(net, recipe)
        xb = torch.randn(recipe.batch, 3, recipe.size, recipe.size, device=device)
        yb = torch.arange(recipe.batch, device=device) % 10
        torch.manual_seed(1)
        losses[name] = [train_step(net, opt, xb, yb, recipe, False)[0].item() for _ in range(5 if args.tiny else 20)]
    dist.destroy_process_group()
    apart = float(np.abs(np.subtract(*losses.values())).max())
    keep('ddp', two=two, backend=backend, losses=losses, largest_difference=apart)

def pair():
    "Train in two processes, which meet as those of torchrun do; what the first of them found."
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = str(s.getsockname()[1])
    meet = dict(WORLD_SIZE='2', LOCAL_WORLD_SIZE='2', MASTER_ADDR='127.0.0.1', MASTER_PORT=port)
    os.environ |= meet
    fork = multiprocessing.get_context('fork')
    both = [fork.Process(target=one_of_two, args=(rank,)) for rank in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    for name in meet:
        del os.environ[name]
    if any(process.exitcode for process in both):
        raise RuntimeError('one of two processes failed')
    return json.loads((args.work/'pair.json').read_text())

def one_of_two(rank):
    os.environ |= dict(RANK=str(rank), LOCAL_RANK=str(rank))
    import torch.distributed as dist
    from animal_cls.recipe import FAST
    from animal_cls.state import join_world, leave_world
    from animal_cls.train import train
    join_world()
    recipe = turned(FAST, epochs=4, size=64, stages=((1., 1.),), min_steps=0)
    history = train('final', photos(), recipe, args.work/'pair', progress=False)
    if rank == 0:
        found = dict(backend=dist.get_backend(), history=history.to_dict('records'))
        (args.work/'pair.json').write_text(json.dumps(found))
    leave_world()

def bench():
    "The deck's way, Lightning and FAST on the same card and the same photos, in turn."
    from animal_cls.bench import bench_train
    cache, folder = photos(), args.work/'jpegs'
    some = np.sort(np.random.default_rng(0).permutation(len(cache))[:4096])
    for label in cache.items.label.unique():
        (folder/label).mkdir(parents=True)
    save = lambda k: Image.fromarray(cache.xs[k]).save(folder/cache.items.label[k]/f'{k}.jpg', quality=90)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(save, some))
    def note(table):
        rows = table.reset_index(names='way').to_dict('records')
        keep('bench', what=f'JPEG files of {SIDE} px', cores=os.cpu_count(), rows=rows, seconds=time.time() - BEGAN)
    length = dict(seconds=.1, rounds=1, size=32) if args.tiny else dict(seconds=2., rounds=2)
    print(bench_train(folder, on_turn=note, **length).to_string())

def fails():  # planted
    raise RuntimeError('planted')

def hangs():  # planted
    time.sleep(3600)

# What runs after what, with seconds for each. Steps of one line run beside each other: their speed does not count.
PLAN = [dict(cells=60), dict(speed=90), dict(fast_final=55), dict(fast_beyond=65), dict(bench=100),
        dict(deck=300, taught=300, seeds=200, tune=150, probe=90, ddp=90)]
TINY = 'cells ddp', 'speed fast_final', 'fast_beyond profile', 'deck tune', 'bench seeds', 'probe taught'
TINY = [dict.fromkeys(line.split(), 200) for line in TINY]
TOTAL = 900 if args.tiny else 475  # seconds for all; a step that would end later is cut
PLANTED = dict(fails=20, hangs=3)

def child(name, log, threads):
    "A step in a process of its own, which has all imports already; what it prints goes to a file."
    os.setsid()
    for stream in 1, 2:
        os.dup2(log.fileno(), stream)
    import torch
    torch.set_num_threads(threads)
    globals()[name]()

def run_beside(limits):
    "Run some steps beside each other, each up to its limit; returns name -> what went wrong, '' if nothing did."
    logs = {name: open(args.work/f'{name}.log', 'w+') for name in limits}
    fork, began, said = multiprocessing.get_context('fork'), time.time(), {}
    threads = max(1, os.cpu_count()//len(limits))
    running = {name: fork.Process(target=child, args=(name, logs[name], threads)) for name in limits}
    for process in running.values():
        process.start()
    while running:
        time.sleep(.05)
        for name, process in list(running.items()):
            late = time.time() - began > limits[name] or time.time() - BEGAN > TOTAL
            if process.is_alive() and not late:
                continue
            if process.is_alive():
                os.killpg(process.pid, signal.SIGKILL)
            process.join()
            failed = f'status {process.exitcode}'*bool(process.exitcode)
            said[name] = f'cut after {time.time() - began:.0f} s' if late else failed
            del running[name]
            text = logs[name].seek(0) or logs[name].read()
            shown = text[-1500:] if said[name] or not args.tiny else ''
            print(f"{name}: {said[name] or 'ok'} ({time.time() - began:.1f} s)\n{shown}", flush=True)
            if said[name]:
                note_failure(name, said[name], text)
    return said

def note_failure(name, said, text):
    "Add what went wrong to what the step had written before."
    file = args.out/f"gpu-{name.replace('_', '-')}.json"
    found = json.loads(file.read_text()) if file.exists() else dict(step=name.replace('_', '-'), tiny=args.tiny)
    log = text[-3000:].replace(str(ROOT), '.').replace(str(args.work), 'WORK')
    file.write_text(json.dumps(found | dict(error=said, log=log), indent=1))

def main():
    here = ROOT/'gpu'
    if args.pack:
        from animal_cls.data import get_data
        from animal_cls.device import made_with
        here.mkdir(exist_ok=True)
        pack(*get_data(args.pack), here/'photos.zip')
        (here/'revision.txt').write_text(made_with()['revision']) # there is no git where the card is
        return measure_archive(here/'photos.zip')
    plan = TINY if args.tiny else PLAN
    if args.steps:
        limits = {k: v for line in plan for k, v in line.items()}
        plan = [{name: limits[name]} for name in args.steps]
    if args.plant:
        plan = [PLANTED | plan[0], *plan[1:]]
    with tempfile.TemporaryDirectory() as tmp:
        args.work = Path(tmp)
        if args.tiny:
            from animal_cls.data import get_data
            args.out = args.work/'results'
            root, items = get_data()
            pack(root, items.groupby('label').head(24), args.work/'photos.zip', side=36)
        args.out.mkdir(parents=True, exist_ok=True)
        unpack((args.work if args.tiny else here)/'photos.zip', args.work)
        print(f'unpacked after {time.time() - BEGAN:.1f} s', flush=True)
        importlib.import_module('animal_cls.bench')  # what all steps need is loaded once
        said = {name: s for line in plan for name, s in run_beside(line).items()}
    wrong = {name for name, s in said.items() if s}
    print(f'{len(said) - len(wrong)} steps done; not done: {sorted(wrong)}; {time.time() - BEGAN:.0f} s')
    return int(wrong != (set(PLANTED) if args.plant else set()))

if __name__ == '__main__':
    sys.exit(main())
