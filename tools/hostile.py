"""Does anything that can lie in a folder do harm? python tools/hostile.py [WEIGHTS]

Builds a folder of hostile files: cut, random, huge once unpacked, of wrong names, modes and kinds, some of them no files at all. `predict`,
`scan` and `explain` go through it as whole processes, without root's right to read everything. Every input must get a class or one clear
error, each command its exit status, in less than 2 GB and in time. Then weights files: cut, with flipped bits, with absurd headers and with
code in them. WEIGHTS: the net that is asked, and harmed; that of the drawn sample when left out. Writes results/hostile.json."""
import csv, ctypes, io, json, os, random, shutil, signal, socket, struct, subprocess, sys, tempfile, time, zlib
from pathlib import Path
import numpy as np
from PIL import Image
from animal_cls.core import UserError
from animal_cls.data import MAX_PIXELS, TURN
from animal_cls.evaluate import SAMPLE_WEIGHTS, save_results
from animal_cls.model import load_weights, machine
from animal_cls.sample import draw_animal

WEIGHTS, LIMIT_S, LIMIT_MB, dice = Path((sys.argv[1:] or [SAMPLE_WEIGHTS])[0]), 600, 2048, random.Random(0)
PHOTO = draw_animal('gatto', 3)[0]
BOMB = (int(MAX_PIXELS**.5),)*2 # just as many pixels as are allowed

def encode(im, format, **how):
    im.save(out := io.BytesIO(), format, **how)
    return out.getvalue()

def png(width, height, *chunks, depth=8, colour=2):
    "A PNG of any header and chunks, checksums right."
    parts = [(b'IHDR', struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, 0)), *chunks, (b'IEND', b'')]
    return b'\x89PNG\r\n\x1a\n' + b''.join(struct.pack('>I', len(d)) + k + d + struct.pack('>I', zlib.crc32(k + d)) for k, d in parts)

def patched(data, at, *values, kind='>H'): # with other numbers from byte `at` on
    new = struct.pack(kind[0] + kind[1:]*len(values), *values)
    return data[:at] + new + data[at + len(new):]

def riff(*chunks):
    body = b'WEBP' + b''.join(k + struct.pack('<I', len(d)) + d + b'\0'*(len(d) % 2) for k, d in chunks)
    return b'RIFF' + struct.pack('<I', len(body)) + body

whole = dict(jpg=encode(PHOTO, 'JPEG'), png=encode(PHOTO, 'PNG'), gif=encode(PHOTO, 'GIF'), webp=encode(PHOTO, 'WEBP'), bmp=encode(PHOTO, 'BMP'), tiff=encode(PHOTO, 'TIFF'))

def cut_and_random(): # -> name, bytes, what must come of it
    for ext, data in whole.items():
        yield f'whole.{ext}', data, 'class'
        for tenth in range(1, 10): yield f'cut {tenth}0%.{ext}', data[:len(data)*tenth//10], 'error'
        yield f'random.{ext}', dice.randbytes(5000), 'error'
        yield f'random after the magic.{ext}', data[:16] + dice.randbytes(5000), 'error'
        flipped = bytearray(data)
        for _ in range(20): flipped[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        yield f'flipped.{ext}', bytes(flipped), 'either'
    yield 'empty.jpg', b'', 'error'
    yield 'one byte.jpg', b'\xff', 'error'

def bombs():
    grey, sof = encode(Image.new('L', BOMB, 90), 'PNG'), whole['jpg'].index(b'\xff\xc0')
    yield 'bomb.png', png(50_000, 50_000, (b'IDAT', zlib.compress(bytes(10**7))), depth=1, colour=0), 'error'
    yield 'largest number.png', png(2**31 - 1, 2**31 - 1, (b'IDAT', b'')), 'error'
    yield 'bomb.gif', patched(whole['gif'], 6, 65_535, 65_535, kind='<H'), 'error'
    yield 'bomb.webp', riff((b'VP8X', b'\x10\0\0\0' + (16_383).to_bytes(3, 'little')*2), (b'VP8L', b'\x2f' + struct.pack('<I', 0xfffffff) + bytes(64))), 'error'
    yield 'bomb.jpg', patched(whole['jpg'], sof + 5, 65_500, 65_500), 'error'
    yield 'bomb.bmp', patched(whole['bmp'], 18, 100_000, 100_000, kind='<i'), 'error'
    yield 'text bomb.png', png(1, 1, (b'zTXt', b'a\0\0' + zlib.compress(bytes(3*10**8))), (b'IDAT', zlib.compress(bytes(4)))), 'either'
    yield 'profile bomb.png', png(1, 1, (b'iCCP', b'a\0\0' + zlib.compress(bytes(3*10**8))), (b'IDAT', zlib.compress(bytes(4)))), 'either'
    yield 'more than it says.png', png(1, 1, (b'IDAT', zlib.compress(bytes(3*10**8)))), 'either'
    for name, im, format, how in (('grey.png', None, '', {}), ('rgba.png', 'RGBA', 'PNG', {}), ('deep.png', 'I;16', 'PNG', {}), ('colour.webp', 'RGB', 'WEBP', dict(method=0)), ('alpha.webp', 'RGBA', 'WEBP', dict(method=0)),
                                  ('palette.gif', 'P', 'GIF', {}), ('float.tiff', 'F', 'TIFF', dict(compression='tiff_lzw')), ('progressive.jpg', 'RGB', 'JPEG', dict(progressive=True, subsampling=0)), ('cmyk.jpg', 'CMYK', 'JPEG', dict(progressive=True))):
        yield f'as large as allowed, {name}', encode(Image.new(im, BOMB), format, **how) if im else grey, 'class'
    turned = Image.Exif(); turned[0x0112] = 6
    yield 'as large as allowed, turned.jpg', encode(Image.new('RGB', BOMB), 'JPEG', exif=turned), 'class'

def names_and_kinds():
    for name, of in (('png.jpg', 'png'), ('jpg.png', 'jpg'), ('gif.jpeg', 'gif'), ('webp.bmp', 'webp'), ('no extension', 'jpg'), ('photo.txt', 'jpg'), ('.hidden.jpg', 'jpg'), ('-n.jpg', 'jpg'), ('n'*250 + '.jpg', 'jpg'),
                     ('two\nlines.jpg', 'jpg'), ('ネコ "é".jpg', 'jpg'), (os.fsdecode(b'caf\xe9.jpg'), 'jpg'), ('a directory.jpg/photo.jpg', 'jpg')): yield name, whole[of], 'class'
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    for name, data in (('drawing.svg', svg), ('svg.png', svg), ('text.jpg', b'hello'), ('page.jpg', b'<!DOCTYPE html><p>404'), ('document.jpg', b'%PDF-1.4\n%%EOF'), ('program.jpg', b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n'),
                       ('archive.png', b'PK\x05\x06' + bytes(18)), ('elf.gif', Path(sys.executable).read_bytes()[:9000]), ('icon.jpg', encode(PHOTO.resize((32, 32)), 'ICO'))): yield name, data, 'error'

def modes_and_shapes():
    for size in (1, 1), (1, 20_000), (20_000, 1): yield f'{size[0]}×{size[1]}.png', encode(PHOTO.resize(size), 'PNG'), 'class'
    for mode in '1', 'L', 'LA', 'P', 'RGBA', 'I;16': yield f'{mode}.png', encode(Image.new(mode, (60, 40), 1) if mode == 'I;16' else PHOTO.convert(mode), 'PNG'), 'class'
    yield 'sixteen bits.png', png(4, 4, (b'IDAT', zlib.compress(bytes(4*(1 + 4*6)))), depth=16), 'class'
    clear = PHOTO.convert('P')
    yield 'clear.png', encode(clear, 'PNG', transparency=bytes(range(256))), 'class'
    yield 'clear.gif', encode(clear, 'GIF', transparency=3), 'class'
    yield 'cmyk.jpg', encode(PHOTO.convert('CMYK'), 'JPEG'), 'class'
    for mode in 'CMYK', 'LAB', 'YCbCr', 'I;16', 'I;16B', 'I', 'F': yield f'{mode}.tiff', encode(Image.fromarray(np.arange(600, dtype='>u2').reshape(20, 30)) if mode == 'I;16B' else Image.new(mode, (30, 20)), 'TIFF'), 'class'
    frames = [PHOTO.resize((60, 45)).rotate(9*i) for i in range(40)]
    for format in 'GIF', 'PNG', 'WEBP': yield f'animated.{format.lower()}', encode(frames[0], format, save_all=True, append_images=frames[1:]), 'class'
    for o in range(1, 9): # each of them shows the same when held as EXIF says
        exif, back = Image.Exif(), {6: 8, 8: 6}.get(o, o)
        exif[0x0112] = o
        yield f'orientation {o}.jpg', encode(PHOTO.transpose(TURN[back]) if o > 1 else PHOTO, 'JPEG', exif=exif, quality=98), 'class'
    for name, exif in (('orientation 77', b'Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x4d\0\0\0\0\0\0\0'), ('broken exif', b'Exif\0\0II*\0\xff\xff\xff\xff' + bytes(range(200)))):
        yield f'{name}.jpg', encode(PHOTO, 'JPEG', exif=exif), 'class'

def build(root):
    "Write the folder; gives path -> what must come of it."
    want = {}
    for make in cut_and_random, bombs, names_and_kinds, modes_and_shapes:
        for name, data, outcome in make():
            path = root/'a cat'/make.__name__/name
            path.parent.mkdir(parents=True, exist_ok=True); path.write_bytes(data); want[path] = outcome
    odd = root/'a cat'/'no files'; odd.mkdir(); (odd/'empty directory.jpg').mkdir(); (odd/'loop').symlink_to(root); (odd/'round.jpg').symlink_to('round.jpg')
    (odd/'lost.jpg').symlink_to('nowhere'); (odd/'link.jpg').symlink_to('../cut_and_random/whole.jpg'); os.mkfifo(odd/'pipe.jpg')
    with socket.socket(socket.AF_UNIX) as s: s.bind(str(odd/'socket.jpg'))
    (odd/'locked.jpg').write_bytes(whole['jpg']); (odd/'locked.jpg').chmod(0)
    for name, size in (('600 MB of nothing.jpg', 600<<20), ('500 MB of nothing.jpg', 500<<20)):
        with open(odd/name, 'wb') as f: f.truncate(size)
    return want | {p: 'class' if p.name == 'link.jpg' else 'error' for p in odd.iterdir() if not p.is_dir() or p.name == 'round.jpg'}

def as_anyone(): # root without its right to read and write whatever it likes (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)
    for capability in 1, 2: ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)

def memory(group): # MB in use by all processes of a group, shared parts divided between them
    total = 0
    for p in Path('/proc').glob('[0-9]*'):
        try: total += int((p/'smaps_rollup').read_text().split('\nPss:')[1].split()[0]) if os.getpgid(int(p.name)) == group else 0
        except (OSError, IndexError): pass
    return total/1024

def run(*args):
    "A command as a process of its own: status, output, complaints, seconds, peak in MB."
    with tempfile.TemporaryFile('w+') as out, tempfile.TemporaryFile('w+') as err:
        start, peak = time.time(), 0
        p = subprocess.Popen([sys.executable, '-m', 'animal_cls', *map(str, args)], stdout=out, stderr=err, start_new_session=True, preexec_fn=as_anyone)
        while p.poll() is None:
            peak = max(peak, memory(p.pid)); time.sleep(.05)
            if time.time() - start > LIMIT_S or peak > 2*LIMIT_MB: os.killpg(p.pid, signal.SIGKILL)
        for f in out, err: f.seek(0)
        return dict(status=p.returncode, seconds=time.time() - start, peak_mb=peak), out.read(), err.read()

def judge(want, tmp):
    "All three commands on the folder: how they ran, what each file got, what was not as it should be."
    root, faults, runs = tmp/'zoo', [], {}
    runs['predict'], out, err = run('predict', root, '--json', '--weights', WEIGHTS)
    rows = [json.loads(line) for line in out.splitlines()]
    got = {r['path']: r.get('error') or r['label'] for r in rows}
    for path, outcome in want.items():
        row = next((r for r in rows if r['path'] == str(path)), {})
        kind = 'class' if 'label' in row else 'error' if row.get('error') else 'nothing'
        if kind != outcome and not (outcome == 'either' and row): faults.append(f'predict: {path.name}: {kind} instead of {outcome}: {row.get("error", "")}')
        if len(row.get('error', '')) > 200 or '\n' in row.get('error', ''): faults.append(f'predict: {path.name}: no clear error')
    if len(rows) != len(want): faults.append(f'predict: {len(rows)} rows for {len(want)} files')
    held = {got.get(str(root/f'a cat/modes_and_shapes/orientation {o}.jpg')) for o in range(1, 9)}
    if len(held) != 1: faults.append(f'predict: a turned photo is another animal: {held}')
    runs['scan'], _, err2 = run('scan', root, '--quiet', '--out', tmp/'scan.csv')
    with open(tmp/'scan.csv', encoding='utf-8', errors='surrogateescape', newline='') as f: table = {str(root/r['path']): r['error'] for r in csv.DictReader(f)}
    faults += [f'scan: {Path(p).name}: {table.get(p)} where predict says {r.get("error", r.get("label"))}' for p, r in ((r['path'], r) for r in rows) if bool(table.get(p, '?')) != ('error' in r)]
    runs['explain'], _, err3 = run('explain', root, '--weights', WEIGHTS, '--out', tmp/'maps')
    maps, answered = len(list((tmp/'maps').glob('*.png'))), sum('label' in r for r in rows)
    if maps != answered: faults.append(f'explain: {maps} maps for {answered} photos')
    for (name, r), text, status in zip(runs.items(), (err, err2, err3), (1, 0, 1)):
        if r['status'] != status or any(word in text for word in ('Traceback', 'Error:', 'Warning:')): faults.append(f"{name}: status {r['status']} instead of {status}: {text[-300:]}")
        if r['peak_mb'] > LIMIT_MB or r['seconds'] > LIMIT_S: faults.append(f"{name}: {r['peak_mb']:.0f} MB, {r['seconds']:.0f} s")
    return runs, {str(p.relative_to(root)): got.get(str(p)) for p in want}, faults

class Dangerous:
    "Unpickling it writes a file."
    def __init__(self, path): self.path = path
    def __reduce__(self): return os.system, (f'touch "{self.path}"',)

def spoil_weights(tmp):
    "A weights file spoiled in all kinds of ways: how often it loaded, was refused, and what was not as it should be."
    import pickle, torch
    data, counts, faults, trap = WEIGHTS.read_bytes(), {}, [], tmp/'code was executed'
    header = 8 + int.from_bytes(data[:8], 'little')
    def attempt(kind, spoiled, may_load=False):
        (tmp/'w.safetensors').write_bytes(spoiled)
        try: load_weights(tmp/'w.safetensors'); outcome = 'loaded'
        except UserError as e: outcome = 'refused'; text = str(e)
        except BaseException as e: outcome, text = 'crashed', f'{type(e).__name__}: {e}'
        counts.setdefault(kind, dict.fromkeys(('loaded', 'refused', 'crashed'), 0))[outcome] += 1
        if outcome == 'crashed' or outcome == 'loaded' and not may_load or outcome == 'refused' and len(text) > 600: faults.append(f'weights, {kind}: {outcome}: {text[:300] if outcome != "loaded" else ""}')
    for _ in range(50): attempt('cut', data[:dice.randrange(len(data))])
    for _ in range(200):
        spoiled = bytearray(data)
        for _ in range(dice.choice((1, 1, 8, 64))): spoiled[dice.randrange(header)] = dice.randrange(256)
        attempt('random bytes in the header', bytes(spoiled), may_load=True)
    for n in 0, 1, 2**31, 2**40, 2**63, 2**64 - 1: attempt('absurd header length', struct.pack('<Q', n) + data[8:])
    about = json.loads(data[8:header])
    name = next(k for k in about if k != '__metadata__')
    meta = json.loads(about['__metadata__']['animal_cls'])
    tensor = lambda **how: about | {name: about[name] | how}
    said = lambda **how: about | dict(__metadata__=dict(animal_cls=json.dumps(meta | how)))
    for changed in (tensor(shape=[2**40, 2**40]), tensor(shape=[2**62]*9), tensor(data_offsets=[0, 2**50]), tensor(data_offsets=[2**63, 0]), tensor(dtype='F999'), said(size=10**9), said(size='x'), said(size='128'), said(cache_size=10**9), said(cache_size='x'), said(crop=-5), said(crop='x'),
                    said(classes=['a']*10**6), said(classes='ab'), said(classes={}), said(mean=[float('nan')]*3), said(mean=['x']*3), said(std=[0]*3), said(std=[float('inf')]*3), said(model='../../etc/passwd'), said(model='torchvision:nothing'), said(model=['final']), said(sure_from='x'), said(temperature=None), said(temperature='x'), said(temperature=0),
                    about | dict(__metadata__=dict(animal_cls='['*100_000)), about | dict(__metadata__={}), {}):
        text = json.dumps(changed).encode()
        attempt('absurd header', struct.pack('<Q', len(text)) + text + data[header:])
    attempt('pickle', pickle.dumps(Dangerous(trap)))
    torch.save(dict(a=Dangerous(trap)), tmp/'torch'); attempt('pickle', (tmp/'torch').read_bytes())
    if trap.exists(): faults.append('weights: a pickle was executed')
    return counts, faults

with tempfile.TemporaryDirectory() as tmp:
    tmp = Path(tmp); os.environ['ANIMAL_CLS_HOME'] = str(tmp/'home')
    want = build(tmp/'zoo')
    try:
        runs, answers, faults = judge(want, tmp)
        weights, more = spoil_weights(tmp)
    finally: shutil.rmtree(tmp/'zoo')
faults = [f.replace(str(tmp), '…').encode('utf-8', 'backslashreplace').decode() for f in faults + more]
print(json.dumps(dict(files=len(want), runs=runs, weights=weights), indent=1), *faults, sep='\n')
save_results(dict(what='a hostile folder, and spoiled weights files', machine=machine(), files=len(want), errors=sum(k != 'class' for k in want.values()), runs=runs, weights=weights, faults=faults,
                  answers={k.encode('utf-8', 'backslashreplace').decode(): str(v).replace(str(tmp), '…') for k, v in answers.items()}), Path('results')/'hostile.json')
sys.exit(len(faults) > 0)
