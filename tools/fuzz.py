"""Can any bytes make `open_image` fail with anything but ImageError? python tools/fuzz.py [SECONDS]

Atheris (pip install 'animal_cls[fuzz]') mutates small drawn pictures of all formats for SECONDS (600), guided by which
lines of Pillow's Python code they reach. Any exception but ImageError counts as a crash, and so does a picture that
takes 20 s or 2 GB. Pictures have at most four million pixels here; tools/hostile.py has the large ones. Files that
crashed are kept in crashes/. Writes results/fuzz.json."""
import atheris, contextlib, io, subprocess, sys, tempfile, time, traceback
from pathlib import Path
instrumented = len(sys.argv) > 2 # the process that fuzzes
with atheris.instrument_imports(include=['PIL', 'animal_cls.data']) if instrumented else contextlib.nullcontext():
    from PIL import BmpImagePlugin, GifImagePlugin, Image, JpegImagePlugin
    from PIL import PngImagePlugin, TiffImagePlugin, WebPImagePlugin
    from animal_cls import data
from animal_cls.sample import draw_animal
from heic import HEIC

def seeds():
    "Small pictures of all formats, modes and compressions."
    yield HEIC
    im, exif = draw_animal('ragno', 1, (64, 48))[0].resize((16, 12)), Image.Exif()
    exif[0x0112] = 6
    animated = dict(save_all=True, append_images=[im])
    tiff = [dict(compression=c) for c in (None, 'tiff_lzw', 'tiff_adobe_deflate', 'packbits')]
    ways = [('JPEG', 'RGB L CMYK', [{}, dict(progressive=True), dict(exif=exif), dict(restart_marker_rows=1)]),
            ('PNG', '1 L LA P RGB RGBA I;16', [{}, dict(exif=exif), animated]),
            ('GIF', 'L P RGB', [{}, dict(interlace=0), dict(transparency=3), animated]),
            ('WEBP', 'RGB RGBA', [{}, dict(lossless=True), dict(exif=exif), animated]),
            ('BMP', '1 L P RGB RGBA', [{}]),
            ('AVIF', 'L RGB RGBA', [{}, dict(exif=exif)]),
            ('TIFF', '1', [dict(compression='group4')]),
            ('TIFF', 'L RGB CMYK', [dict(compression='jpeg')]),
            ('TIFF', '1 L P RGB RGBA CMYK YCbCr LAB I;16 I F', tiff)]
    for format, modes, options in ways:
        for mode in modes.split():
            for how in options:
                out, source = io.BytesIO(), im.convert('I') if mode == 'I;16' else im
                try: source.convert(mode).save(out, format, **how)
                except (OSError, KeyError, ValueError, RuntimeError): continue # not every mode works with every option
                yield out.getvalue()

def fuzz(folder, seconds):
    "Never returns: libFuzzer ends the process."
    known, data.MAX_PIXELS, data.read_file = set(), 1<<22, lambda content: content
    def once(content):
        try: im = data.open_image(content)
        except data.ImageError: return
        except Exception as e:
            frames = traceback.extract_tb(e.__traceback__)[::-1]
            where = ' < '.join(f'{Path(f.filename).name}:{f.lineno}' for f in frames)
            if where in known: return
            known.add(where)
            (folder/f'{len(known)}.bin').write_bytes(content)
            (folder/f'{len(known)}.txt').write_text(f'{type(e).__name__}: {e} at {where}', encoding='utf-8')
            return
        assert im.mode == 'RGB'
    options = [f'-max_total_time={seconds}', '-max_len=4096', '-timeout=20', '-rss_limit_mb=2048',
               '-print_final_stats=1', '-close_fd_mask=3', f'-artifact_prefix={folder}/']
    atheris.Setup([sys.argv[0], str(folder/'corpus'), *options], once)
    atheris.Fuzz()

if instrumented: fuzz(Path(sys.argv[2]), int(sys.argv[1]))
from animal_cls.evaluate import save_results
seconds, crashes = int((sys.argv[1:] or [600])[0]), Path('crashes')
with tempfile.TemporaryDirectory() as tmp:
    corpus = Path(tmp)/'corpus'
    corpus.mkdir()
    for i, content in enumerate(seeds()): (corpus/f'{i}').write_bytes(content)
    start = time.time()
    command = [sys.executable, __file__, str(seconds), tmp]
    p = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors='replace')
    took, units = time.time() - start, 'stat::number_of_executed_units:'
    runs = sum(int(line.split()[1]) for line in p.stderr.splitlines() if line.startswith(units))
    found = sorted(f.read_text(encoding='utf-8') for f in Path(tmp).glob('*.txt'))
    if p.returncode: found.append(f'the process ended with {p.returncode}: {p.stderr[-2000:]}')
    for f in Path(tmp).glob('*'):
        if not f.is_file(): continue
        crashes.mkdir(exist_ok=True)
        (crashes/f.name).write_bytes(f.read_bytes())
    save_results(dict(what='open_image on mutated pictures', runs=runs, seconds=took, seeds=i + 1,
                      corpus=len(list(corpus.iterdir())), crashes=found), Path('results')/'fuzz.json')
print(f'{runs:,} runs in {took:.0f} s, {len(found)} kinds of crash', *found, sep='\n')
sys.exit(len(found) > 0)
