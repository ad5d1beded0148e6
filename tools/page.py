"""Use the web page as a visitor would: python tools/page.py [--save] [PHOTOS]

Writes the page of the net in the package and drives it in headless Chromium. Sixty pictures of all sizes, turns and
formats must get Python's answers; names and files that mean harm must do none; nothing may leave the page's origin;
keys are answered while the net computes; text can be read in light and dark, from 320 pixels up, and all is reached by
keyboard; and the page in one file must work without a server. PHOTOS is a folder of real photos, of which 500 are asked
as well. Where there is a Firefox, it gets the sixty pictures, too. --save writes results/page.json. Screenshots go to
runs/page/."""
import csv, io, json, random, struct, sys, tempfile, time, zlib
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit
import numpy as np, onnxruntime
import torch, torch.nn.functional as F
from PIL import Image
from animal_cls.augment import prepare
from animal_cls.data import ASSETS, list_files
from animal_cls.evaluate import save_results
from animal_cls.gradcam import grad_cam
from animal_cls.model import create_model, load_weights, save_weights
from animal_cls.predict import _graph_of, _Portable, export_onnx, load
from animal_cls.quick import read_photo
from animal_cls.sample import KINDS, draw_animal
from animal_cls.web import make_page, serve
from chromium import chromium
from firefox import firefox

SHOTS = Path('runs')/'page'

# Pictures

def png16(pixels): # (H, W, 3) uint16 -> bytes of a PNG, which Pillow does not write
    h, w, _ = pixels.shape
    lines = b''.join(b'\0' + row.astype('>u2').tobytes() for row in pixels)
    def number(n): return struct.pack('>I', n)
    def chunk(kind, data): return number(len(data)) + kind + data + number(zlib.crc32(kind + data))
    head = struct.pack('>IIBBBBB', w, h, 16, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(lines)) + chunk(b'IEND', b'')

def pictures(folder): # an empty one -> paths of 60 pictures
    "Drawn animals, and all that a camera or an editor can make of them."
    kinds, made = sorted(KINDS), []
    def animal(size=None):
        im = draw_animal(kinds[len(made) % len(kinds)], 7000 + len(made))[0]
        return im.resize(size, Image.BICUBIC) if size else im
    def put(name, im, **how):
        made.append(folder/f'{len(made):02d}-{name}')
        im.save(made[-1], **how)
    for size in ((64, 64), (300, 200), (216, 216), (217, 215), (640, 480), (651, 433), (1024, 768), (1300, 1950),
                 (2000, 1500), (3000, 2000), (500, 90), (90, 500), (1, 1), (2, 3), (1, 3000), (3000, 1), (9000, 7000)):
        put(f'{size[0]}x{size[1]}.jpg', animal(size), quality=88)
    for turn in range(1, 9):
        im = animal((480, 320))
        exif = im.getexif()
        exif[0x112] = turn
        put(f'turn{turn}.jpg', im, exif=exif, quality=90)
    for k in range(8): put('plain.jpg', animal(), quality=70 + 3*k, subsampling=k % 3)
    soft = dict(radial=Image.radial_gradient('L'), linear=Image.linear_gradient('L'), hidden=Image.new('L', (9, 9)))
    for kind, alpha in soft.items(): # transparency: from the middle, from above, and everywhere, with colours below it
        im = animal((400, 300))
        im.putalpha(alpha.resize(im.size))
        put(f'{kind}.png', im)
    put('alpha.webp', im, lossless=True, exact=True)
    put('LA.png', animal().convert('LA'))
    put('cmyk.jpg', animal().convert('CMYK'), quality=90)
    put('grey.jpg', animal().convert('L'), quality=90)
    put('grey.png', animal().convert('L'))
    put('grey16.png', Image.fromarray(np.asarray(animal().convert('L')).astype(np.uint16)*257))
    made.append(folder/f'{len(made):02d}-colour16.png')
    made[-1].write_bytes(png16(np.asarray(animal((300, 200))).astype(np.uint16)*257))
    put('one bit.png', animal().convert('1'))
    put('palette.png', animal().convert('P'))
    put('palette.gif', animal().convert('P'))
    put('windows.bmp', animal())
    put('lossy.webp', animal(), quality=80)
    put('lossless.webp', animal(), lossless=True)
    put('modern.avif', animal(), quality=85)
    put('progressive.jpg', animal((800, 600)), progressive=True, quality=92)
    put('tiny file.jpg', animal((900, 600)), quality=12)
    put('ünïcödé 猫.jpg', animal())
    put('no extension', animal(), format='JPEG')
    put('wrong.jpg', animal(), format='PNG')
    while len(made) < 60: put('interlaced.jpg', animal((333, 222)), quality=95, subsampling=0)
    return made

NAMES = ['<img src=x onerror="harmed=1">.jpg', '"><script>harmed=1</script>.png', "';harmed=1;'.jpg", '=1+1.jpg',
         '-.jpg', '@SUM(A1).jpg', 'a,b"c.jpg', 'new\nline.jpg', '\u202egnp.exe.jpg', '{{constructor}}.jpg',
         'x'*240 + '.jpg',
         'javascript:harmed=1', '%3Cscript%3E.jpg', '..jpg', ' .jpg']

def harmful(good): # bytes of a picture -> (name, bytes) of 30 files
    "What looks like a photo and is none, and photos with names that mean harm."
    giant = b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR' + struct.pack('>IIBBBBB', 60000, 60000, 8, 2, 0, 0, 0)
    script = b'<svg xmlns="http://www.w3.org/2000/svg" onload="harmed=1"><script>harmed=1</script></svg>'
    broken = [b'', b'\0', b'not a photo', good[:len(good)//2], good[:20], good[::-1], b'\xff\xd8\xff', b'GIF89a', b'BM',
              giant, script, b'<html><script>harmed=1</script>', b'%PDF-1.7', b'RIFF\0\0\0\0WEBPVP8 ', b'PK\3\4' + good]
    return [(name, good) for name in NAMES] + [(f'broken{k}.jpg', data) for k, data in enumerate(broken)]

# The page

class Visitor:
    "One visit to a page: everything that it asks for, and everything that goes wrong, is noted."
    def __init__(self, browser, address, width=1280, scheme='light'):
        self.page = browser.new_page(viewport=dict(width=width, height=900), color_scheme=scheme)
        self.asked, self.bytes, self.wrong = [], 0, []
        self.page.on('request', lambda r: self.asked.append(r.url))
        self.page.on('response', self.count)
        self.page.on('pageerror', lambda e: self.wrong.append(f'script: {e}'))
        self.page.on('console', lambda m: m.type == 'error' and self.wrong.append(f'console: {m.text}'))
        self.page.on('dialog', lambda d: (self.wrong.append(f'dialog: {d.message}'), d.dismiss()))
        self.page.goto(address)

    def count(self, response):
        if response.url.startswith('http'): self.bytes += int(response.headers.get('content-length', 0))

    def give(self, files): return give(self.page, files)

ANSWERS = '''photos.slice(%d).map(({file, answer: a, error}) => ({name: file.name, error: error ?? null, ...a && {
    probabilities: [...a.probabilities], known: a.known, sure: a.sure, heat: a.heat && [...a.heat], cells: a.cells,
    squeezing: a.milliseconds.squeezing, net: a.milliseconds.net}}))'''

def give(page, files, patience=600): # of playwright, or a `Firefox`; paths, or dicts as for playwright -> answers
    before, end = page.evaluate('photos.length'), time.time() + patience
    page.set_input_files('#files', files)
    while page.evaluate('photos.length') < before + len(files):
        page.wait_for_timeout(100)
        said = page.inner_text('#status')
        if time.time() > end or 'could not be loaded' in said: raise TimeoutError(said)
    return page.evaluate(ANSWERS % before)

def truth(predictor, path): # -> a row as from `Predictor`, heat maps (classes, H, W)
    x, error = read_photo(path, predictor.side)
    if error: return None, None
    with torch.no_grad(): heats = grad_cam(predictor.model, prepare(torch.tensor(x)[None], predictor.meta), 'all')[0]
    return predictor(path)[0], heats

def compare(predictor, paths, answers): # -> a dict of what differs
    "The page's answers beside Python's, for pictures that both can open."
    rows = []
    for path, said in zip(paths, answers):
        row, heats = truth(predictor, path)
        if bool(said['error']) != (row is None): print(f"{path.name}: page {said['error'] or 'opens it'}, Python {row}")
        if said['error'] or row is None: continue
        p, q = np.array(said['probabilities']), np.array(list(row['probabilities'].values()))
        k, heat = int(q.argmax()), torch.tensor(said['heat']).view(1, len(q), *said['cells'])
        heat = F.interpolate(heat, heats.shape[1:], mode='bilinear')[0, k].numpy().ravel()
        flat = heats[k].std() < 1e-6 and heat.std() < 1e-6
        rows.append(dict(name=path.name, same=int(p.argmax()) == k, difference=float(np.abs(p - q).max()),
                         known=said['known'] == row['known'],
                         heat=1. if flat else float(np.corrcoef(heat, heats[k].numpy().ravel())[0, 1])))
        last = rows[-1]
        if last['difference'] > .02 or not last['same'] or not last['known'] or last['heat'] < .99: print(last)
    for r in sorted(rows, key=lambda r: -r['difference'])[:3]: print(r)
    ms = [s['squeezing'] + s['net'] for s in answers if not s['error']]
    return dict(given=len(paths), both_open=len(rows), same_class=sum(r['same'] for r in rows),
                same_known=sum(r['known'] for r in rows), largest_difference=max(r['difference'] for r in rows),
                least_heat_correlation=min(r['heat'] for r in rows),
                milliseconds=dict(median=median(ms), p95=float(np.percentile(ms, 95))))

def check(right, what):
    print(('ok: ' if right else 'WRONG: ') + what, flush=True)
    if not right: WRONG.append(what)

WRONG = []

# Checks

def clock(session, xs): # milliseconds of one call
    start = time.perf_counter()
    session.run(None, dict(photos=xs))
    return 1000*(time.perf_counter() - start)

def open_graph(file):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(file, options, providers=['CPUExecutionProvider'])

def check_graphs(folder, paths):
    "Graphs of three nets in ONNX Runtime: heat maps, any number of photos, facts that travel along; what heat costs."
    facts = {}
    nets = {name: ASSETS/f'{name}.safetensors' for name in ('final', 'beyond-taught', 'animals')}
    for name, weights in nets.items():
        export_onnx(weights, folder/f'{name}.onnx')
        graph, net = open_graph(folder/f'{name}.onnx'), load_weights(weights)
        xs = np.stack([read_photo(path, net.meta['cache_size'])[0] for path in paths])
        p, heat = graph.run(['probabilities', 'heat'], dict(photos=xs))
        truth = grad_cam(net, prepare(torch.tensor(xs), net.meta), 'all', together=True)
        large = F.interpolate(torch.tensor(heat), truth.shape[2:], mode='bilinear')
        apart = (large/large.amax((1, 2, 3), keepdim=True).clamp(min=1e-12) - truth).abs().max().item()
        alone = np.concatenate([graph.run(['probabilities'], dict(photos=xs[k:k + 1]))[0] for k in range(len(xs))])
        rows = np.array([list(r['probabilities'].values()) for r in load(weights)(paths)])
        about = json.loads(graph.get_modelmeta().custom_metadata_map['animal_cls'])
        facts[name] = dict(heat=apart, one_by_one=float(np.abs(alone - p).max()), python=float(np.abs(rows - p).max()))
        check(apart < 1e-4 and max(facts[name].values()) < 1e-3, f'{name}: {facts[name]}')
        same = all(about[k] == net.meta[k] for k in ('classes', 'size'))
        check(same and len(about['english']) == 10, f"{name}: opset {about['opset']}, {about['size']} pixels, names")
    plain = _Portable(load_weights()).eval()
    plain.outputs.remove('heat')
    xs = np.repeat(xs[:1], 8, 0)
    _graph_of(plain, torch.tensor(xs[:2])).save(folder/'plain.onnx')
    plain, both = open_graph(folder/'plain.onnx'), ([], [])
    for _ in range(12):
        for times, session in zip(both, (plain, graph)): times.append(clock(session, xs))
    facts['cost'] = min(both[1])/min(both[0])
    check(facts['cost'] <= 1.1, f"a call with heat costs {facts['cost']:.2f} calls without")
    return facts

def judge(facts, who):
    "Sixty pictures have been given, or fifty-six."
    check(facts['both_open'] >= .95*facts['given'], f"{who} and Python open {facts['both_open']} of {facts['given']}")
    check(facts['same_class'] == facts['both_open'], f"{facts['same_class']} of them get the same class")
    check(facts['largest_difference'] <= .02, f"probabilities differ by {facts['largest_difference']:.4f} at most")
    check(facts['least_heat_correlation'] >= .99, f"heat maps agree: {facts['least_heat_correlation']:.4f} at least")
    check(facts['both_open'] - facts['same_known'] <= 1, f"{facts['same_known']} times the same verdict of known")

def check_pictures(browser, address, predictor, paths):
    "Sixty pictures, while keys are pressed; what was asked for on the way."
    visitor = Visitor(browser, address)
    visitor.page.wait_for_timeout(500)
    calm = visitor.bytes
    check(calm < 100_000, f'{calm:,} bytes before the net is wanted')
    visitor.give(paths[4:5])
    facts = dict(bytes_before_first_answer=visitor.bytes)
    visitor.page.evaluate('''() => { globalThis.late = []
        addEventListener('keydown', e => requestAnimationFrame(() => late.push(performance.now() - e.timeStamp))) }''')
    visitor.page.set_input_files('#files', paths[16:26]) # a giant among them
    visitor.page.focus('#opacity')
    while visitor.page.evaluate('photos.length') < 11:
        visitor.page.keyboard.press('ArrowRight')
        visitor.page.wait_for_timeout(40)
    late = visitor.page.evaluate('late')
    most = float(np.percentile(late, 95)) # the rest is left to what else a machine does
    check(len(late) > 10 and most < 100, f'{len(late)} keys while it computes: {most:.0f} ms (95%), {max(late):.0f} at most')
    answers = visitor.give(paths)
    facts |= compare(predictor, paths, answers) | dict(latest_key=max(late))
    judge(facts, 'Chromium')
    origin = urlsplit(address).netloc
    others = {u for u in visitor.asked if not u.startswith(('blob:', 'data:')) and urlsplit(u).netloc != origin}
    check(not others and not visitor.wrong, f'nothing leaves the page {others or visitor.wrong or ""}')
    policy = visitor.page.get_attribute('meta[http-equiv]', 'content')
    check("default-src 'none'" in policy and 'unsafe-inline' not in policy and "'unsafe-eval'" not in policy, policy)
    visitor.page.close()
    return facts

def check_harm(browser, address, folder, good):
    "Thirty files that mean harm, and a net whose classes do."
    visitor = Visitor(browser, address)
    files = [dict(name=name, mimeType='image/jpeg', buffer=data) for name, data in harmful(good)]
    answers = visitor.give(files)
    refused = [a['error'] for a in answers if a['error']]
    harm = visitor.page.evaluate('globalThis.harmed') or visitor.wrong
    check(not harm, f'30 harmful files: {harm or "no harm"}')
    check(13 <= len(refused) <= 15, f'{len(refused)} of 15 broken files are refused: {sorted(set(refused))}')
    fine = [dict(name='good.jpg', mimeType='image/jpeg', buffer=good)]
    check(visitor.give(fine)[0]['error'] is None, 'alive afterwards')
    with visitor.page.expect_download() as download: visitor.page.click('#save')
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text('utf-8-sig'), newline='')))
    columns = set(map(len, rows))
    check(len(rows) == 32 and columns == {17}, f'a table of {len(rows) - 1} rows, columns: {columns}')
    check(not any(r[0][:1] in '=+-@' for r in rows), 'no name is a formula')
    visitor.page.close()
    classes = ['</script><script>harmed=1</script>', '<b onclick=harmed=1>', '=1+1']
    net = create_model('beyond', 3)
    facts = dict(classes=classes, size=128, crop=.875, cache_size=144, mean=[.5]*3, std=[.25]*3, sure_from=.5)
    save_weights(folder/'evil.safetensors', net, facts)
    page = make_page(folder/'evil.safetensors', folder/'evil', single=True)
    visitor = Visitor(browser, page.as_uri())
    answer, = visitor.give(fine)
    names = visitor.page.eval_on_selector_all('.class span', 'all => all.map(e => e.textContent)')
    check(sorted(names) == sorted(classes) and not visitor.page.evaluate('globalThis.harmed') and not visitor.wrong,
          f'classes that mean harm: {visitor.wrong or "no harm"}')
    check(answer['known'] is None and answer['heat'] is not None, 'a net that cannot tell what it knows still explains')
    visitor.page.close()

READ = '''() => {
    const pen = new OffscreenCanvas(1, 1).getContext('2d', {willReadFrequently: true})
    const rgb = colour => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1)
                            return [...pen.getImageData(0, 0, 1, 1).data] }
    const light = ([r, g, b]) => [r, g, b].map(v => v/255).map(v => v <= .04045 ? v/12.92 : ((v + .055)/1.055)**2.4)
        .reduce((sum, v, i) => sum + v*[.2126, .7152, .0722][i], 0)
    const behind = e => { // the first colour that nothing shines through
        for (; e; e = e.parentElement) {
            const c = rgb(getComputedStyle(e).backgroundColor)
            if (c[3] == 255) return c
        }
    }
    const bar = rgb(getComputedStyle(document.documentElement).getPropertyValue('--bar'))
    const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05)/(y + .05) }
    const texts = [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() &&
        [...e.childNodes].some(n => n.nodeType == 3 && n.textContent.trim()) && getComputedStyle(e).opacity == 1)
    const bare = [...document.querySelectorAll('input, button, canvas[role], img')].filter(e => e.checkVisibility() &&
        !(e.labels?.length || e.textContent.trim() || e.alt || e.getAttribute('aria-label')))
    return {wide: document.documentElement.scrollWidth - innerWidth, bare: bare.map(e => e.outerHTML.slice(0, 80)),
            contrast: Math.min(...texts.map(e => contrast(rgb(getComputedStyle(e).color),
                                                          e.closest('.class') ? bar : behind(e))))}
}'''

def check_reading(browser, address, paths):
    "Widths, light and dark, labels, contrast, and the keyboard alone."
    for width in (1280, 768, 320):
        for scheme in ('light', 'dark'):
            visitor = Visitor(browser, address, width, scheme)
            visitor.page.screenshot(path=SHOTS/f'{width}-{scheme}-empty.png', full_page=True)
            visitor.give(paths)
            visitor.page.wait_for_timeout(300)
            visitor.page.screenshot(path=SHOTS/f'{width}-{scheme}.png', full_page=True)
            seen = visitor.page.evaluate(READ)
            check(seen['wide'] <= 0 and not seen['bare'] and seen['contrast'] >= 4.5,
                  f"{width} pixels, {scheme}: contrast {seen['contrast']:.1f} or more, all inside {seen['bare'] or ''}")
            visitor.page.close()
    visitor = Visitor(browser, address)
    visitor.give(paths[:2])
    order = []
    for _ in range(9):
        visitor.page.keyboard.press('Tab')
        order.append(visitor.page.evaluate('document.activeElement.id || document.activeElement.type || "page"'))
    check(order[:4] == ['files', 'radio', 'opacity', 'submit'], f'tab goes to {order}')
    visitor.page.focus('.class input')
    was = visitor.page.get_attribute('#heat', 'aria-label')
    visitor.page.keyboard.press('ArrowDown')
    check(visitor.page.get_attribute('#heat', 'aria-label') != was, 'arrow keys choose a class')
    visitor.page.focus('tbody tr:first-child button')
    visitor.page.keyboard.press('Enter')
    check(paths[0].name in visitor.page.inner_text('#name'), 'Enter shows a photo of the table again')
    visitor.page.evaluate('''name => { const data = new DataTransfer(); data.items.add(new File([photos[0].file], name))
        dispatchEvent(new DragEvent('drop', {dataTransfer: data, cancelable: true}))
        dispatchEvent(new ClipboardEvent('paste', {clipboardData: data})) }''', 'dropped.jpg')
    visitor.page.wait_for_timeout(3000)
    check(visitor.page.evaluate('photos.length') == 4, 'dropping and pasting work')
    visitor.page.close()

def check_troubles(browser, address, paths):
    "A network that fails, a visitor who begins again, and one who chooses while photos arrive."
    visitor = Visitor(browser, address)
    visitor.page.route('**/net.onnx', lambda route: route.abort())
    visitor.page.set_input_files('#files', paths[:3])
    visitor.page.wait_for_timeout(3000)
    check('could not be loaded' in visitor.page.inner_text('#status'), 'a network that fails is named')
    visitor.page.unroute('**/net.onnx')
    visitor.page.click('#again')
    while visitor.page.evaluate('photos.length') < 3: visitor.page.wait_for_timeout(100)
    check(not visitor.page.is_visible('#again'), 'another try finds the photos where they were')
    visitor.page.set_input_files('#files', paths)
    visitor.page.wait_for_timeout(300)
    visitor.page.click('#clear')
    visitor.page.wait_for_timeout(2000)
    check(visitor.page.evaluate('photos.length + line.length') == 0, "'Start again' leaves nothing behind")
    visitor.page.set_input_files('#files', paths)
    while visitor.page.evaluate('photos.length') < 2: visitor.page.wait_for_timeout(20)
    visitor.page.focus('.class input')
    visitor.page.keyboard.press('ArrowDown')
    chosen = visitor.page.inner_text('#name'), visitor.page.get_attribute('#heat', 'aria-label')
    while visitor.page.evaluate('photos.length') < len(paths): visitor.page.wait_for_timeout(100)
    now = visitor.page.inner_text('#name'), visitor.page.get_attribute('#heat', 'aria-label')
    check(now == chosen, 'a chosen class stays while photos arrive')
    visitor.page.close()

def check_single(browser, folder, paths, predictor):
    "The page in one file, opened from the disk."
    page = make_page(None, folder/'single', single=True)
    visitor = Visitor(browser, page.as_uri())
    facts = compare(predictor, paths, visitor.give(paths))
    check(facts['same_class'] == len(paths), f'one file, without a server: {facts["same_class"]} of {len(paths)} alike')
    others = {u for u in visitor.asked if not u.startswith(('blob:', 'data:', page.as_uri()))}
    check(not others and not visitor.wrong, f'it loads nothing {others or visitor.wrong or ""}')
    visitor.page.close()
    return dict(bytes=page.stat().st_size)

def in_firefox(address, predictor, paths): # -> facts, or None
    "Without WebGL, as here, what is below transparency is lost: pictures that have it are left out."
    paths = [path for path in paths if not any(word in path.name for word in ('radial', 'linear', 'hidden', 'alpha'))]
    with firefox(address) as page:
        if page is None: return None
        facts = dict(browser=page.version) | compare(predictor, paths, give(page, paths))
    judge(facts, 'Firefox')
    return facts

def natively(graph, side, photos=30): # -> milliseconds a photo, one thread
    "ONNX Runtime without a browser."
    session, x = open_graph(graph), np.random.default_rng(0).integers(0, 256, (1, side, side, 3), dtype=np.uint8)
    ms = [clock(session, x) for _ in range(photos + 3)]
    return dict(median=median(ms[3:]), p95=float(np.percentile(ms[3:], 95)))

def ask_photos(browser, address, predictor, root): # -> facts
    "500 real photos, chosen at random."
    paths = [Path(root)/p for p in list_files(root) if p.lower().endswith(('.jpg', '.jpeg', '.png'))]
    paths = random.Random(0).sample(paths, 500)
    visitor = Visitor(browser, address)
    answers = [a for k in range(0, 500, 50) for a in visitor.give(paths[k:k + 50])]
    facts = compare(predictor, paths, answers)
    facts['agreement'] = 100*facts['same_class']/facts['both_open']
    facts['net'] = median(a['net'] for a in answers if not a['error']) # milliseconds
    check(facts['agreement'] >= 99.5, f"real photos: {facts['agreement']:.1f}% get the same class")
    return facts

options, photos = [a for a in sys.argv[1:] if a == '--save'], [a for a in sys.argv[1:] if a != '--save']
SHOTS.mkdir(parents=True, exist_ok=True)
with tempfile.TemporaryDirectory() as tmp, chromium() as browser:
    tmp, predictor = Path(tmp), load()
    (tmp/'pictures').mkdir()
    page = make_page(None, tmp/'page')
    server, address = serve(page.parent)
    print('a browser of version', browser.version)
    paths = pictures(tmp/'pictures')
    some = [paths[k] for k in (1, 3, 9, 18, 22, 41)]
    facts = dict(browser=browser.version, graphs=check_graphs(tmp, some))
    facts['sixty'] = check_pictures(browser, address, predictor, paths)
    check_harm(browser, address, tmp, paths[4].read_bytes())
    check_reading(browser, address, paths[25:28])
    check_troubles(browser, address, paths[25:40])
    facts['single'] = check_single(browser, tmp, paths[:4], predictor)
    facts['native'] = natively(page.parent/'net.onnx', predictor.side)
    facts['firefox'] = in_firefox(address, predictor, paths)
    if photos: facts['photos'] = ask_photos(browser, address, predictor, photos[0])
    server.shutdown()
print(json.dumps(facts, indent=1))
if options: save_results(facts, Path('results')/'page.json')
sys.exit(bool(WRONG))
