"""Can any bytes make the one function that opens photos fail otherwise than it says? python tools/fuzz.py [SECONDS]

Atheris (pip install 'animal_cls[fuzz]') changes small drawn pictures of all formats for so many seconds (600), led by which lines of Pillow's Python they
reach. Whatever `open_image` throws besides ImageError is a crash, and so is a picture that takes 20 s or 2 GB. Pictures have at most four million pixels here;
tools/hostile.py has the large ones. What crashed is left in crashes/. Writes results/fuzz.json."""
import atheris, contextlib, io, subprocess, sys, tempfile, time, traceback
from pathlib import Path
with atheris.instrument_imports(include=['PIL', 'animal_cls.data']) if len(sys.argv) > 2 else contextlib.nullcontext():
    from PIL import Image, BmpImagePlugin, GifImagePlugin, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin
    from animal_cls import data
from animal_cls.sample import draw_animal

def seeds():
    "Small pictures of all formats, modes and ways to pack them."
    im, exif = draw_animal('ragno', 1, (64, 48))[0].resize((16, 12)), Image.Exif()
    exif[0x0112] = 6
    ways = [('JPEG', 'RGB L CMYK', [{}, dict(progressive=True), dict(exif=exif), dict(restart_marker_rows=1)]), ('PNG', '1 L LA P RGB RGBA I;16', [{}, dict(exif=exif), dict(save_all=True, append_images=[im])]),
            ('GIF', 'L P RGB', [{}, dict(interlace=0), dict(transparency=3), dict(save_all=True, append_images=[im])]), ('WEBP', 'RGB RGBA', [{}, dict(lossless=True), dict(exif=exif), dict(save_all=True, append_images=[im])]),
            ('BMP', '1 L P RGB RGBA', [{}]), ('TIFF', '1', [dict(compression='group4')]), ('TIFF', 'L RGB CMYK', [dict(compression='jpeg')]),
            ('TIFF', '1 L P RGB RGBA CMYK YCbCr LAB I;16 I F', [dict(compression=c) for c in (None, 'tiff_lzw', 'tiff_adobe_deflate', 'packbits')])]
    for format, modes, options in ways:
        for mode in modes.split():
            for how in options:
                try: (im.convert('I') if mode == 'I;16' else im).convert(mode).save(out := io.BytesIO(), format, **how)
                except (OSError, ValueError, RuntimeError): continue # not every mode goes with every way
                yield out.getvalue()

def fuzz(folder, seconds): # never returns: libFuzzer ends the process
    known, data.MAX_PIXELS, data.read_file = set(), 1<<22, lambda content: content
    def once(content):
        try: im = data.open_image(content)
        except data.ImageError: return
        except Exception as e:
            where = ' < '.join(f'{Path(f.filename).name}:{f.lineno}' for f in traceback.extract_tb(e.__traceback__)[::-1])
            if where in known: return
            known.add(where)
            (folder/f'{len(known)}.bin').write_bytes(content); (folder/f'{len(known)}.txt').write_text(f'{type(e).__name__}: {e} at {where}', encoding='utf-8')
            return
        assert im.mode == 'RGB'
    atheris.Setup([sys.argv[0], str(folder/'corpus'), f'-max_total_time={seconds}', '-max_len=4096', '-timeout=20', '-rss_limit_mb=2048', '-print_final_stats=1', '-close_fd_mask=3', f'-artifact_prefix={folder}/'], once)
    atheris.Fuzz()

if len(sys.argv) > 2: fuzz(Path(sys.argv[2]), int(sys.argv[1]))
from animal_cls.evaluate import save_results
from animal_cls.model import machine
seconds, crashes = int((sys.argv[1:] or [600])[0]), Path('crashes')
with tempfile.TemporaryDirectory() as tmp:
    corpus = Path(tmp)/'corpus'; corpus.mkdir()
    for i, content in enumerate(seeds()): (corpus/f'{i}').write_bytes(content)
    start = time.time()
    p = subprocess.run([sys.executable, __file__, str(seconds), tmp], stderr=subprocess.PIPE, text=True, errors='replace')
    took, runs = time.time() - start, [int(l.split()[1]) for l in p.stderr.splitlines() if l.startswith('stat::number_of_executed_units:')]
    found = sorted(f.read_text(encoding='utf-8') for f in Path(tmp).glob('*.txt'))
    if p.returncode: found.append(f'the process ended with {p.returncode}: {p.stderr[-2000:]}')
    for f in Path(tmp).glob('*'):
        if f.is_file(): crashes.mkdir(exist_ok=True); (crashes/f.name).write_bytes(f.read_bytes())
    save_results(dict(what='open_image on mutated pictures', machine=machine(), runs=sum(runs), seconds=took, seeds=i + 1, corpus=len(list(corpus.iterdir())), crashes=found), Path('results')/'fuzz.json')
print(f'{sum(runs):,} runs in {took:.0f} s, {len(found)} kinds of crash', *found, sep='\n')
sys.exit(len(found) > 0)
