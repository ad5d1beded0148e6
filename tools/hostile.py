"""Can anything in a folder do harm? python tools/hostile.py [WEIGHTS]

Builds a folder of hostile files: truncated, random, huge once decompressed, with wrong names, modes and types, some of
them not files at all. `predict`, `scan` and `explain` go through it as separate processes, without root's right to read
everything. Every input must get a class or one clear error, and each command its exit status, within 2 GB and in time.
Then come weights files: truncated, with flipped bits, with absurd headers, and with code in them. WEIGHTS is the net to
use and to damage; by default it is that of the drawn sample. Writes results/hostile.json."""
import csv, ctypes, importlib.util, io, json, os, random, shutil, signal, socket, struct, subprocess, sys, tempfile, time, zlib
from pathlib import Path
import numpy as np
from PIL import features, Image
from animal_cls.core import UserError
from animal_cls.data import MAX_PIXELS, TURN
from animal_cls.evaluate import SAMPLE_WEIGHTS, save_results
from animal_cls.model import load_weights
from animal_cls.sample import draw_animal
from heic import HEIC

WEIGHTS = Path((sys.argv[1:] or [SAMPLE_WEIGHTS])[0])
LIMIT_S, LIMIT_MB = 600, 2048
dice = random.Random(0)
PHOTO = draw_animal('gatto', 3)[0]
BOMB = (int(MAX_PIXELS**.5),)*2 # as many pixels as are allowed

def encode(im, format, **how): # -> bytes
    im.save(out := io.BytesIO(), format, **how)
    return out.getvalue()

def png(width, height, *chunks, depth=8, colour=2):
    "A PNG with any header and chunks, and correct checksums."
    header = struct.pack('>IIBBBBB', width, height, depth, colour, 0, 0, 0)
    parts = [(b'IHDR', header), *chunks, (b'IEND', b'')]
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(d)) + k + d + struct.pack('>I', zlib.crc32(k + d)) for k, d in parts)

def patched(data, at, *values, kind='>H'):
    "The same bytes with other numbers from byte `at` on."
    new = struct.pack(kind[0] + kind[1:]*len(values), *values)
    return data[:at] + new + data[at + len(new):]

def riff(*chunks): # (name, bytes) -> bytes
    "A WebP file of any chunks."
    body = b'WEBP' + b''.join(k + struct.pack('<I', len(d)) + d + b'\0'*(len(d) % 2) for k, d in chunks)
    return b'RIFF' + struct.pack('<I', len(body)) + body

whole = {format.lower(): encode(PHOTO, format) for format in ('PNG', 'GIF', 'WEBP', 'BMP', 'TIFF')}
whole = dict(jpg=encode(PHOTO, 'JPEG')) | whole
if features.check('avif'): whole['avif'] = encode(PHOTO, 'AVIF')
if importlib.util.find_spec('pi_heif'): whole['heic'] = HEIC

def cut_and_random(): # -> name, bytes, expected outcome: 'class', 'error' or 'either'
    "Truncated files, random bytes and flipped bits."
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
    "Small files that claim to be huge, or are once decompressed, and the largest that are allowed."
    zeros = zlib.compress(bytes(3*10**8))
    grey, sof = encode(Image.new('L', BOMB, 90), 'PNG'), whole['jpg'].index(b'\xff\xc0')
    yield 'bomb.png', png(50_000, 50_000, (b'IDAT', zlib.compress(bytes(10**7))), depth=1, colour=0), 'error'
    yield 'largest number.png', png(2**31 - 1, 2**31 - 1, (b'IDAT', b'')), 'error'
    yield 'bomb.gif', patched(whole['gif'], 6, 65_535, 65_535, kind='<H'), 'error'
    canvas = b'\x10\0\0\0' + (16_383).to_bytes(3, 'little')*2
    picture = b'\x2f' + struct.pack('<I', 0xfffffff) + bytes(64)
    yield 'bomb.webp', riff((b'VP8X', canvas), (b'VP8L', picture)), 'error'
    yield 'bomb.jpg', patched(whole['jpg'], sof + 5, 65_500, 65_500), 'error'
    yield 'bomb.bmp', patched(whole['bmp'], 18, 100_000, 100_000, kind='<i'), 'error'
    pixel = b'IDAT', zlib.compress(bytes(4))
    yield 'text bomb.png', png(1, 1, (b'zTXt', b'a\0\0' + zeros), pixel), 'either'
    yield 'profile bomb.png', png(1, 1, (b'iCCP', b'a\0\0' + zeros), pixel), 'either'
    yield 'more than it says.png', png(1, 1, (b'IDAT', zeros)), 'either'
    yield 'as large as allowed, grey.png', grey, 'class'
    largest = [('rgba.png', 'RGBA', 'PNG', {}), ('deep.png', 'I;16', 'PNG', {}),
               ('colour.webp', 'RGB', 'WEBP', dict(method=0)), ('alpha.webp', 'RGBA', 'WEBP', dict(method=0)),
               ('palette.gif', 'P', 'GIF', {}), ('float.tiff', 'F', 'TIFF', dict(compression='tiff_lzw')),
               ('progressive.jpg', 'RGB', 'JPEG', dict(progressive=True, subsampling=0)),
               ('cmyk.jpg', 'CMYK', 'JPEG', dict(progressive=True))]
    for name, mode, format, how in largest:
        yield f'as large as allowed, {name}', encode(Image.new(mode, BOMB), format, **how), 'class'
    turned = Image.Exif()
    turned[0x0112] = 6
    yield 'as large as allowed, turned.jpg', encode(Image.new('RGB', BOMB), 'JPEG', exif=turned), 'class'

def names_and_kinds():
    "Photos with odd names, and files that are not photos."
    for name, format in (('png.jpg', 'png'), ('gif.jpeg', 'gif'), ('webp.bmp', 'webp')):
        yield name, whole[format], 'class'
    for name in ('jpg.png', 'no extension', 'photo.txt', '-n.jpg', 'n'*250 + '.jpg', 'two\nlines.jpg',
                 'ネコ "é".jpg', os.fsdecode(b'caf\xe9.jpg'), 'a directory.jpg/photo.jpg'):
        yield name, whole['jpg'], 'class'
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
    others = {'drawing.svg': svg, 'svg.png': svg, 'text.jpg': b'hello', 'page.jpg': b'<!DOCTYPE html><p>404',
              'document.jpg': b'%PDF-1.4\n%%EOF',
              'program.jpg': b'%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n',
              'archive.png': b'PK\x05\x06' + bytes(18), 'elf.gif': Path(sys.executable).read_bytes()[:9000],
              'icon.jpg': encode(PHOTO.resize((32, 32)), 'ICO')}
    for name, data in others.items(): yield name, data, 'error'

def modes_and_shapes():
    "Every mode, extreme shapes, animations, and all that EXIF may say."
    for w, h in (1, 1), (1, 20_000), (20_000, 1): yield f'{w}×{h}.png', encode(PHOTO.resize((w, h)), 'PNG'), 'class'
    for mode in '1', 'L', 'LA', 'P', 'RGBA': yield f'{mode}.png', encode(PHOTO.convert(mode), 'PNG'), 'class'
    yield 'I;16.png', encode(Image.new('I;16', (60, 40), 1), 'PNG'), 'class'
    yield 'sixteen bits.png', png(4, 4, (b'IDAT', zlib.compress(bytes(4*(1 + 4*6)))), depth=16), 'class'
    clear = PHOTO.convert('P')
    yield 'clear.png', encode(clear, 'PNG', transparency=bytes(range(256))), 'class'
    yield 'clear.gif', encode(clear, 'GIF', transparency=3), 'class'
    yield 'cmyk.jpg', encode(PHOTO.convert('CMYK'), 'JPEG'), 'class'
    big_endian = Image.fromarray(np.arange(600, dtype='>u2').reshape(20, 30))
    for mode in 'CMYK', 'LAB', 'YCbCr', 'I;16', 'I;16B', 'I', 'F':
        im = big_endian if mode == 'I;16B' else Image.new(mode, (30, 20))
        yield f'{mode}.tiff', encode(im, 'TIFF'), 'class'
    frames = [PHOTO.resize((60, 45)).rotate(9*i) for i in range(40)]
    for format in 'GIF', 'PNG', 'WEBP':
        data = encode(frames[0], format, save_all=True, append_images=frames[1:])
        yield f'animated.{format.lower()}', data, 'class'
    for o in range(1, 9): # all look the same once turned as EXIF says
        exif, back = Image.Exif(), {6: 8, 8: 6}.get(o, o)
        exif[0x0112] = o
        im = PHOTO.transpose(TURN[back]) if o > 1 else PHOTO
        yield f'orientation {o}.jpg', encode(im, 'JPEG', exif=exif, quality=98), 'class'
    impossible = b'Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x4d\0\0\0\0\0\0\0'
    broken = b'Exif\0\0II*\0\xff\xff\xff\xff' + bytes(range(200))
    for name, exif in (('orientation 77', impossible), ('broken exif', broken)):
        yield f'{name}.jpg', encode(PHOTO, 'JPEG', exif=exif), 'class'

def no_photos(odd): # a new folder
    "Fill a folder with links, pipes, sockets and other things that are no photos."
    (odd/'empty directory.jpg').mkdir()
    (odd/'loop').symlink_to(odd.parent.parent)
    (odd/'round.jpg').symlink_to('round.jpg')
    (odd/'lost.jpg').symlink_to('nowhere')
    (odd/'link.jpg').symlink_to('../cut_and_random/whole.jpg')
    os.mkfifo(odd/'pipe.jpg')
    with socket.socket(socket.AF_UNIX) as s: s.bind(str(odd/'socket.jpg'))
    (odd/'locked.jpg').write_bytes(whole['jpg'])
    (odd/'locked.jpg').chmod(0)
    for name, size in (('600 MB of nothing.jpg', 600<<20), ('500 MB of nothing.jpg', 500<<20)):
        with open(odd/name, 'wb') as f: f.truncate(size)

def build(root):
    "Write the folder; returns path -> expected outcome."
    want = {}
    for make in cut_and_random, bombs, names_and_kinds, modes_and_shapes:
        for name, data, outcome in make():
            path = root/'a cat'/make.__name__/name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            want[path] = outcome
    odd = root/'a cat'/'no files'
    odd.mkdir()
    no_photos(odd)
    files = [p for p in odd.iterdir() if not p.is_dir() or p.name == 'round.jpg']
    return want | {p: 'class' if p.name == 'link.jpg' else 'error' for p in files}

def as_anyone():
    "Give up root's right to read and write everything (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)."
    for capability in 1, 2: ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)

def memory(group): # a process group -> MB
    "Memory in use by all processes of a group; shared parts are divided between them."
    total = 0
    for p in Path('/proc').glob('[0-9]*'):
        try:
            if os.getpgid(int(p.name)) == group:
                total += int((p/'smaps_rollup').read_text().split('\nPss:')[1].split()[0])
        except (OSError, IndexError): pass
    return total/1024

def run(*args):
    "A command as a separate process: status, seconds and peak in MB; its output; its error messages."
    command = [sys.executable, '-m', 'animal_cls', *map(str, args)]
    with tempfile.TemporaryFile('w+') as out, tempfile.TemporaryFile('w+') as err:
        start, peak = time.time(), 0
        p = subprocess.Popen(command, stdout=out, stderr=err, start_new_session=True, preexec_fn=as_anyone)
        while p.poll() is None:
            peak = max(peak, memory(p.pid))
            time.sleep(.05)
            if time.time() - start > LIMIT_S or peak > 2*LIMIT_MB: os.killpg(p.pid, signal.SIGKILL)
        for f in out, err: f.seek(0)
        return dict(status=p.returncode, seconds=time.time() - start, peak_mb=peak), out.read(), err.read()

def predict_faults(want, rows, got, root): # expected outcomes, rows of JSON, path -> class or error
    "What is wrong with the answers of `predict`."
    by_path = {r['path']: r for r in rows}
    for path, outcome in want.items():
        row = by_path.get(str(path), {})
        error = row.get('error') or ''
        kind = 'class' if 'label' in row else 'error' if error else 'nothing'
        if kind != outcome and not (outcome == 'either' and row):
            yield f'predict: {path.name}: {kind} instead of {outcome}: {error}'
        if len(error) > 200 or '\n' in error: yield f'predict: {path.name}: no clear error'
    if len(rows) != len(want): yield f'predict: {len(rows)} rows for {len(want)} files'
    turned = {got.get(str(root/f'a cat/modes_and_shapes/orientation {o}.jpg')) for o in range(1, 9)}
    if len(turned) != 1: yield f'predict: a turned photo is another animal: {turned}'

def scan_faults(file, rows, root): # table of a scan, rows of `predict`
    "Where `scan` and `predict` disagree."
    with open(file, encoding='utf-8', errors='surrogateescape', newline='') as f:
        errors = {str(root/r['path']): r['error'] for r in csv.DictReader(f)}
    for r in rows:
        if bool(errors.get(r['path'], '?')) != ('error' in r):
            said = r.get('error', r.get('label'))
            yield f"scan: {Path(r['path']).name}: {errors.get(r['path'])} where predict says {said}"

def run_faults(name, run, text, status): # how a command ran, its error messages, expected status
    "Wrong status, a traceback, too much memory or time."
    if run['status'] != status or any(word in text for word in ('Traceback', 'Error:', 'Warning:')):
        yield f"{name}: status {run['status']} instead of {status}: {text[-300:]}"
    if run['peak_mb'] > LIMIT_MB or run['seconds'] > LIMIT_S:
        yield f"{name}: {run['peak_mb']:.0f} MB, {run['seconds']:.0f} s"

def judge(want, tmp):
    "All three commands on the folder: how they ran, what each file got, and all that went wrong."
    root, runs, texts = tmp/'zoo', {}, {}
    runs['predict'], out, texts['predict'] = run('predict', root, '--json', '--weights', WEIGHTS)
    rows = [json.loads(line) for line in out.splitlines()]
    got = {r['path']: r.get('error') or r['label'] for r in rows}
    faults = list(predict_faults(want, rows, got, root))
    runs['scan'], _, texts['scan'] = run('scan', root, '--quiet', '--out', tmp/'scan.csv')
    faults += scan_faults(tmp/'scan.csv', rows, root)
    runs['explain'], _, texts['explain'] = run('explain', root, '--weights', WEIGHTS, '--out', tmp/'maps')
    maps, answered = len(list((tmp/'maps').glob('*.png'))), sum('label' in r for r in rows)
    if maps != answered: faults.append(f'explain: {maps} maps for {answered} photos')
    for name, status in (('predict', 1), ('scan', 0), ('explain', 1)):
        faults += run_faults(name, runs[name], texts[name], status)
    return runs, {str(p.relative_to(root)): got.get(str(p)) for p in want}, faults

class Dangerous:
    "Unpickling it writes a file."
    def __init__(self, path): self.path = path
    def __reduce__(self): return os.system, (f'touch "{self.path}"',)

def absurd_headers(about): # the header of a weights file
    "Headers that lie about the tensors or the net."
    name = next(k for k in about if k != '__metadata__')
    meta = json.loads(about['__metadata__']['animal_cls'])
    for lie in (dict(shape=[2**40, 2**40]), dict(shape=[2**62]*9), dict(data_offsets=[0, 2**50]),
                dict(data_offsets=[2**63, 0]), dict(dtype='F999')):
        yield about | {name: about[name] | lie}
    nan, inf = float('nan'), float('inf')
    for key, values in dict(size=[10**9, 'x', '128'], cache_size=[10**9, 'x'], crop=[-5, 'x'],
                            classes=[['a']*10**6, 'ab', {}], mean=[[nan]*3, ['x']*3], std=[[0]*3, [inf]*3],
                            model=['../../etc/passwd', 'torchvision:nothing', ['final']], sure_from=['x'],
                            temperature=[None, 'x', 0]).items():
        for value in values: yield about | dict(__metadata__=dict(animal_cls=json.dumps(meta | {key: value})))
    yield about | dict(__metadata__=dict(animal_cls='['*100_000))
    yield about | dict(__metadata__={})
    yield {}

def spoiled_weights(trap): # a file that only executed code would make
    "A weights file spoiled in many ways: kind, bytes, and whether it may still load."
    import pickle, torch
    data = WEIGHTS.read_bytes()
    header = 8 + int.from_bytes(data[:8], 'little')
    for _ in range(50): yield 'cut', data[:dice.randrange(len(data))], False
    for _ in range(200):
        spoiled = bytearray(data)
        for _ in range(dice.choice((1, 1, 8, 64))): spoiled[dice.randrange(header)] = dice.randrange(256)
        yield 'random bytes in the header', bytes(spoiled), True
    for n in 0, 1, 2**31, 2**40, 2**63, 2**64 - 1: yield 'absurd header length', struct.pack('<Q', n) + data[8:], False
    for changed in absurd_headers(json.loads(data[8:header])):
        text = json.dumps(changed).encode()
        yield 'absurd header', struct.pack('<Q', len(text)) + text + data[header:], False
    yield 'pickle', pickle.dumps(Dangerous(trap)), False
    torch.save(dict(a=Dangerous(trap)), out := io.BytesIO())
    yield 'pickle', out.getvalue(), False

def try_weights(file):
    "What comes of loading a file: 'loaded', 'refused' or 'crashed', and the message."
    try:
        load_weights(file)
        return 'loaded', ''
    except UserError as e: return 'refused', str(e)
    except BaseException as e: return 'crashed', f'{type(e).__name__}: {e}'

def spoil_weights(tmp):
    "How often spoiled weights files loaded, were refused or crashed, and all that went wrong."
    counts, faults, trap = {}, [], tmp/'code was executed'
    for kind, spoiled, may_load in spoiled_weights(trap):
        (tmp/'w.safetensors').write_bytes(spoiled)
        outcome, text = try_weights(tmp/'w.safetensors')
        counts.setdefault(kind, dict.fromkeys(('loaded', 'refused', 'crashed'), 0))[outcome] += 1
        good = may_load if outcome == 'loaded' else outcome == 'refused' and len(text) <= 600
        if not good: faults.append(f'weights, {kind}: {outcome}: {text[:300]}')
    if trap.exists(): faults.append('weights: a pickle was executed')
    return counts, faults

def printable(text, tmp): return text.replace(str(tmp), '…').encode('utf-8', 'backslashreplace').decode()

with tempfile.TemporaryDirectory() as tmp:
    tmp = Path(tmp)
    os.environ['ANIMAL_CLS_HOME'] = str(tmp/'home')
    want = build(tmp/'zoo')
    try:
        runs, answers, faults = judge(want, tmp)
        weights, more = spoil_weights(tmp)
    finally: shutil.rmtree(tmp/'zoo')
faults = [printable(f, tmp) for f in faults + more]
print(json.dumps(dict(files=len(want), runs=runs, weights=weights), indent=1), *faults, sep='\n')
answers = {k.encode('utf-8', 'backslashreplace').decode(): str(v).replace(str(tmp), '…') for k, v in answers.items()}
save_results(dict(what='a hostile folder, and spoiled weights files', files=len(want),
                  errors=sum(k != 'class' for k in want.values()), runs=runs, weights=weights, faults=faults,
                  answers=answers), Path('results')/'hostile.json')
sys.exit(len(faults) > 0)
