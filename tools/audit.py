"""Measure what scan and audit find: python tools/audit.py ORIGINALS PHOTOS

ORIGINALS is a folder of real photos as downloaded from the web, PHOTOS any folder of photos. Writes results/audit.json:
how many faults planted in 1,200 drawings are found, how many altered copies of real photos, the findings in both
folders by issue, and how long it takes to find all close pairs among up to a million hashes. Only numbers are
written, no pixels."""
import io, resource, sys, tempfile, time
from itertools import combinations
from pathlib import Path
import numpy as np, pandas as pd
from PIL import Image, ImageDraw, ImageEnhance
from animal_cls.cli import doubtful_labels
from animal_cls.data import get_data, open_image
from animal_cls.eda import against_truth, audit
from animal_cls.scan import HASHES, close_pairs, near_duplicates, scan
from animal_cls.evaluate import save_results
from animal_cls.sample import draw_sample

def drawn(n=1200, seed=5):
    "Precision and recall on planted faults, wrong labels too."
    with tempfile.TemporaryDirectory() as tmp:
        faults = draw_sample(Path(tmp)/'drawn', n, seed=seed)
        root, items = get_data(Path(tmp)/'drawn')
        findings = pd.concat([audit(scan(root, items, progress=False)), doubtful_labels(root, items, True)])
    table = against_truth(findings, faults)
    print(table.round(3))
    return dict(n=n, seed=seed, issues=table.to_dict('index'))

def jpeg(im, quality): # -> bytes
    im.save(out := io.BytesIO(), 'JPEG', quality=quality)
    return out.getvalue()

def marked(im):
    "With a copyright notice in the corner."
    w, h = im.size
    pen = ImageDraw.Draw(im := im.copy())
    pen.rectangle([.72*w, .86*h, .98*w, .97*h], fill='white')
    pen.text((.74*w, .88*h), '(c) photo.example', fill='black')
    return im

def tinted(im):
    "Brighter, warmer and more colourful."
    r, g, b = ImageEnhance.Brightness(ImageEnhance.Color(im).enhance(1.3)).enhance(1.08).split()
    return Image.merge('RGB', (r.point(lambda v: min(255, int(v*1.05))), g, b.point(lambda v: int(v*.94))))

def halved(im): return im.resize((im.width//2, im.height//2), Image.BICUBIC)

def cropped(im):
    "Without a margin of 2.5% on each side."
    return im.crop((round(.025*im.width), round(.025*im.height), round(.975*im.width), round(.975*im.height)))

ALTER = dict(recompressed=lambda im: jpeg(im, 60), halved=lambda im: jpeg(halved(im), 90),
             marked=lambda im: jpeg(marked(im), 90), cropped=lambda im: jpeg(cropped(im), 90),
             tinted=lambda im: jpeg(tinted(im), 90))

def altered(originals, n=600, copies=200, seed=1):
    "Recall and precision (of pairs) for altered copies of photos."
    # Only one photo of each family among the originals is used: all nine families were checked by eye and are real.
    root, items = get_data(originals)
    df = scan(root, items, progress=False)
    df = df[(df.error == '') & (df.phash > 0)].drop_duplicates('sha')
    df = df[~pd.Series(near_duplicates(df[HASHES])).duplicated().values]
    df = df.sample(n, random_state=seed).reset_index(drop=True)
    with tempfile.TemporaryDirectory() as tmp:
        for k, p in enumerate(df.path[:copies]):
            alter = list(ALTER.values())[k % len(ALTER)]
            (Path(tmp)/f'{k:04d}.jpg').write_bytes(alter(open_image(root/p)))
        twins = scan(*get_data(tmp), progress=False)
    group = pd.Series(near_duplicates(pd.concat([df, twins])[HASHES]))
    hit = group[:copies].values == group[n:].values
    pairs = {p for _, g in group.groupby(group) for p in combinations(g.index, 2)}
    by = {name: float(hit[k::len(ALTER)].mean()) for k, name in enumerate(ALTER)}
    precision = sum(b == a + n for a, b in pairs)/len(pairs)
    return dict(photos=n, copies=copies, recall=float(hit.mean()), precision=precision, recall_by_change=by)

def counts(data):
    "Findings by issue, and the number of near-duplicate families."
    root, items = get_data(data)
    df = scan(root, items, progress=True)
    findings = audit(df)
    near = findings[findings.issue == 'near_duplicate']
    return dict(files=len(df), photos_by_issue=findings.issue.value_counts().to_dict(),
                families=int(near.detail.str.split(':').str[0].nunique()))

def hashes(n, radius=8, seed=0):
    "Find all close pairs among n hashes, of which a twentieth are planted."
    rng = np.random.default_rng(seed)
    x, k = rng.integers(0, 2**64, n, dtype=np.uint64), n//20
    bits = np.uint64(1) << rng.random((k, 64)).argsort(1)[:, :radius].astype(np.uint64)
    x[n-k:] = x[:k] ^ (bits*(np.arange(radius) < rng.integers(1, radius + 1, (k, 1)))).sum(1).astype(np.uint64)
    start, found, others = time.perf_counter(), np.zeros(k, bool), 0
    for i, j in close_pairs(x, radius):
        low, high = np.minimum(i, j), np.maximum(i, j)
        planted = (low < k) & (high == low + n - k)
        found[low[planted]] = True
        others += int((~planted).sum())
    seconds = round(time.perf_counter() - start, 2)
    return dict(hashes=n, planted=k, found=int(found.sum()), other_pairs=others, seconds=seconds,
                peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss//1024)

if len(sys.argv) < 3: sys.exit(__doc__)
originals, photos = sys.argv[1:3]
out = dict(what='what scan and audit find')
out['hashes'] = [hashes(n) for n in (10_000, 100_000, 1_000_000)]
for row in out['hashes']: print(row)
out['altered'] = altered(originals)
print(out['altered'])
for part, folder in (('originals', originals), ('photos', photos)):
    out[part] = counts(folder)
    print(out[part])
out['drawn'] = drawn()
save_results(out, Path('results')/'audit.json')
