"""Work through the notebooks as a learner would: python tools/lab.py [NOTEBOOK...]

In a real JupyterLab, on a copy of nbs/ without outputs, every numbered notebook (or those named) is opened in headless
Chromium and all its cells are run, except those that nbdev_test skips. None may end in an error, and every figure and
widget in the saved notebook must be visible on the page. Then, in the cleaner of notebook 12, one photo is excluded and
another relabelled; both choices must survive a reload and a new kernel. The demo of notebook 12 is given other photos,
one of them by dropping it, and another class, method and strength. In `label`, thirty photos are labelled with keys,
and the kernel is killed. Screenshots and the server's log go to runs/lab/."""
import json, os, re, shutil, socket, subprocess, sys, tempfile, time, urllib.request
from contextlib import contextmanager
from pathlib import Path
from chromium import chromium

ROOT = Path(__file__).resolve().parent.parent
SHOTS, SECONDS = ROOT/'runs'/'lab', 600 # limit per notebook
LEFT_OUT = re.compile(r'^#\|\s*(notest|slow|cuda)\b', re.M)
CLEANER = '''from animal_cls.data import get_data
from animal_cls.eda import audit
from animal_cls.scan import scan
from animal_cls.widgets import clean

root, items = get_data()
df = scan(root, items, progress=False)
clean(root, df, audit(df), 'curation.csv', columns=4, per_page=8)'''

DEMO = '''from animal_cls.data import get_data
from animal_cls.evaluate import SAMPLE_WEIGHTS
from animal_cls.widgets import demo

root, items = get_data()
demo(SAMPLE_WEIGHTS, root/items.groupby('label').path.nth(11))'''
LABEL = '''import shutil
from pathlib import Path
from animal_cls.data import get_data
from animal_cls.widgets import label

root, items = get_data()
Path('photos').mkdir(exist_ok=True)
for p in items.path[::6]: shutil.copy(root/p, Path('photos')/p.replace('/', ' '))
label('photos', 'labels.csv')'''
DROP = '''async picture => {
    const held = new DataTransfer();
    held.items.add(new File([await (await fetch(picture)).blob()], 'dropped.jpg'));
    const drop = new DragEvent('drop', {dataTransfer: held, bubbles: true, cancelable: true});
    document.querySelector('.ac-drop').dispatchEvent(drop) }'''

READY = '''async () => {
    const nb = jupyterapp.shell.currentWidget;
    await nb.context.ready;
    await nb.sessionContext.ready }'''
RUN = '''async seconds => {
    const late = new Promise((_, fail) => setTimeout(() => fail(Error(`not done after ${seconds} s`)), 1000*seconds));
    await Promise.race([jupyterapp.commands.execute('notebook:run-all-cells'), late]);
    await new Promise(r => setTimeout(r, 1000));
    await jupyterapp.shell.currentWidget.context.save();
}'''
CELLS = '() => jupyterapp.shell.currentWidget.content.widgets.length'
KILL = '''async () => jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute(
    {code: 'import os, signal; os.kill(os.getpid(), signal.SIGKILL)'})'''
RESTART = 'async () => { await jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart() }'
END = 'async () => { await jupyterapp.shell.currentWidget?.sessionContext?.shutdown() }'
DRAWN = '''() => { // per cell: pictures of more than one colour, widgets with a size
    const canvas = new OffscreenCanvas(64, 64), ctx = canvas.getContext('2d', {willReadFrequently: true});
    const coloured = im => {
        if (!im.naturalWidth) return false;
        ctx.drawImage(im, 0, 0, 64, 64);
        const px = new Uint32Array(ctx.getImageData(0, 0, 64, 64).data.buffer);
        return px.some(v => v != px[0]) };
    const shown = w => w.offsetWidth && w.offsetHeight;
    return [...jupyterapp.shell.currentWidget.node.querySelectorAll('.jp-Cell')].map(cell => ({
        pictures: [...cell.querySelectorAll('.jp-OutputArea-output img')].filter(coloured).length,
        widgets: [...cell.querySelectorAll('.jp-OutputArea-output')].filter(
            o => [...o.querySelectorAll('.jupyter-widgets')].some(shown)).length}))}'''
SETTINGS = {'notebook-extension/tracker': dict(windowingMode='none'), # all cells on the page, not only those in view
            'apputils-extension/notification': dict(fetchNews='false', checkForUpdates=False)}

def kept_cells(cells):
    "The cells to run, without outputs."
    for c in cells:
        if LEFT_OUT.search(''.join(c['source'])): continue
        yield c | dict(outputs=[], execution_count=None) if c['cell_type'] == 'code' else c

def copy_notebooks(to):
    "Copy the notebooks without outputs, and the results that some of them read."
    shutil.copytree(ROOT/'results', to/'results')
    (to/'nbs').mkdir()
    for path in sorted(ROOT.glob('nbs/[0-9]*.ipynb')):
        nb = json.loads(path.read_text(encoding='utf-8'))
        nb['cells'] = list(kept_cells(nb['cells']))
        (to/'nbs'/path.name).write_text(json.dumps(nb), encoding='utf-8')
    for name, source in ('cleaner', CLEANER), ('demo', DEMO), ('label', LABEL):
        cell = dict(cell_type='code', id=name, metadata={}, source=source, outputs=[], execution_count=None)
        kernel = dict(display_name='Python 3', language='python', name='python3')
        nb = dict(cells=[cell], metadata=dict(kernelspec=kernel), nbformat=4, nbformat_minor=5)
        (to/'nbs'/f'{name}.ipynb').write_text(json.dumps(nb))

def settings_in(home):
    "Write the settings of the server; returns the environment that makes it use them."
    for name, values in SETTINGS.items():
        path = home/'settings'/'@jupyterlab'/f'{name}.jupyterlab-settings'
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    env = os.environ | {f'JUPYTER_{k}_DIR': str(home/k.lower()) for k in ('CONFIG', 'DATA', 'RUNTIME')}
    env |= {f'JUPYTERLAB_{k}_DIR': str(home/k.lower()) for k in ('SETTINGS', 'WORKSPACES')}
    for k in ('MPLBACKEND', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS'): env.pop(k, None) # set by tools/test.py, not by users
    return env

def wait_for(address):
    "Wait up to a minute for the server."
    for _ in range(120):
        try: return urllib.request.urlopen(f'{address}/api/status', timeout=5).close()
        except OSError: time.sleep(.5)

@contextmanager
def jupyterlab(folder, home):
    "A server with settings of its own; yields its address."
    env = settings_in(home)
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        port = s.getsockname()[1]
    address = f'http://127.0.0.1:{port}'
    args = ['--no-browser', '--allow-root', '--expose-app-in-browser', '--IdentityProvider.token=',
            f'--port={port}', f'--notebook-dir={folder}']
    with open(SHOTS/'server.log', 'w') as log:
        server = subprocess.Popen([sys.executable, '-m', 'jupyterlab', *args], env=env, stdout=log, stderr=log)
        try:
            wait_for(address)
            yield address
        finally:
            server.terminate()
            server.wait(30)

def open_notebook(page, address, name):
    page.goto(f'{address}/lab/tree/{name}?reset', wait_until='domcontentloaded')
    opened = 'name => window.jupyterapp?.shell.currentWidget?.context?.path == name'
    page.wait_for_function(opened, arg=name, timeout=120_000)
    page.evaluate(READY)

def shoot(page, name):
    "A screenshot of the whole notebook, up to a limit."
    height = page.evaluate("() => document.querySelector('.jp-Notebook').scrollHeight")
    page.set_viewport_size(dict(width=1280, height=min(height, 12_000) + 150))
    page.wait_for_timeout(500)
    page.screenshot(path=SHOTS/f'{name}.png')

def problems_of(i, c, seen): # its number, a cell as saved, what the page shows of it
    "What is wrong with a cell."
    outputs = c.get('outputs', [])
    yield from (f"cell {i} ends in {o['ename']}: {o['evalue'][:500]}" for o in outputs if o['output_type'] == 'error')
    if c['cell_type'] == 'code' and ''.join(c['source']).strip() and not c['execution_count']:
        yield f'cell {i} was not run'
    kinds = [set(o.get('data', ())) for o in outputs]
    widgets = sum('application/vnd.jupyter.widget-view+json' in k for k in kinds)
    pictures = sum(any(m.startswith('image/') for m in k) for k in kinds)
    if seen['widgets'] < widgets: yield f"cell {i} shows {seen['widgets']} of {widgets} widgets"
    if seen['pictures'] < pictures: yield f"cell {i} shows {seen['pictures']} of {pictures} figures"

def check(page, path): # -> list of problems, a summary
    "What is wrong with a notebook that has been run and saved."
    for _ in range(20): # the browser may still be drawing
        drawn, cells = page.evaluate(DRAWN), json.loads(path.read_text(encoding='utf-8'))['cells']
        said = [p for i, (c, seen) in enumerate(zip(cells, drawn)) for p in problems_of(i, c, seen)]
        if len(drawn) != len(cells): said.append(f'{len(drawn)} of {len(cells)} cells are on the page')
        if not said: break
        page.wait_for_timeout(250)
    n = [sum(d[k] for d in drawn) for k in ('pictures', 'widgets')]
    return said, f'{len(cells)} cells, {n[0]} pictures, {n[1]} widgets'

def walk(page, address, folder, name): # -> list of problems, a summary
    "Open a notebook, run it, and check what it shows."
    open_notebook(page, address, name)
    page.evaluate(RUN, SECONDS)
    result = check(page, folder/name)
    shoot(page, Path(name).stem)
    return result

def click_cleaner(page, address, folder, name):
    "Exclude one photo and relabel another: both must be framed at once, after a reload, and in a new kernel."
    tile = lambda i: page.locator('.ac-tile').nth(i)
    pick = lambda i: page.locator('.widget-gridbox .widget-dropdown select').nth(i)
    def framed():
        for kind in ('exclude', 'relabel'): page.locator(f'.ac-tile.ac-{kind}').wait_for(timeout=30_000)
    said, counted = walk(page, address, folder, name)
    own = tile(1).locator('b').inner_text()
    options = pick(1).evaluate('s => [...s.options].map(o => o.value)')
    other = next(o for o in options if o.startswith('is: ') and o != f'is: {own}')
    pick(0).select_option('exclude')
    pick(1).select_option(other)
    framed()
    choices = (folder/'curation.csv').read_text(encoding='utf-8')
    if len(choices.splitlines()) != 3: said.append(f'curation.csv holds {choices!r}')
    page.evaluate('() => jupyterapp.shell.currentWidget.context.save()')
    open_notebook(page, address, name)
    framed()
    page.evaluate(RESTART)
    page.evaluate(RUN, SECONDS)
    framed()
    if tile(1).locator('mark').inner_text() != other: said.append(f"the second photo is not framed with '{other}'")
    if (folder/'curation.csv').read_text(encoding='utf-8') != choices: said.append('curation.csv has changed')
    shoot(page, 'cleaner')
    return said, f'{counted}; excluded one, relabelled one, reloaded, restarted'

def click_demo(page, address, folder, name):
    "Every control must change the picture, a file that is not a photo must be refused, and a dropped photo answered."
    pick = lambda i: page.locator('.ac-demo .widget-dropdown select').nth(i)
    picture = lambda: page.locator('.ac-drop > img').get_attribute('src')
    said, counted = walk(page, address, folder, name)
    first = picture()
    changed = "before => ![undefined, before].includes(document.querySelector('.ac-drop > img')?.src)"
    for act in (lambda: pick(0).select_option(index=2), lambda: pick(1).select_option(index=2),
                lambda: pick(2).select_option('layercam'),
                lambda: page.locator('.ac-demo .noUi-handle').press('ArrowLeft')):
        before = picture()
        act()
        page.wait_for_function(changed, arg=before, timeout=30_000)
    shoot(page, 'demo')
    with page.expect_file_chooser() as chosen: page.locator('.ac-demo .widget-upload').click()
    chosen.value.set_files(dict(name='letter.pdf', mimeType='application/pdf', buffer=b'%PDF-1.4'))
    page.locator('.ac-says', has_text='not a photo').wait_for(timeout=30_000)
    page.evaluate(DROP, first)
    page.locator('.ac-drop > img').wait_for(timeout=30_000)
    now = pick(0).locator('option:checked').inner_text()
    if now != 'dropped.jpg': said.append(f"'{now}' is selected instead of the dropped photo")
    return said, f'{counted}; another photo, class, method and strength, one file refused, one photo dropped'

def press_label(page): # what the captions say is the truth: the file names begin with the class
    "Answer one screen with keys; pictures of another class are clicked out of it first."
    before = None
    while before != (before := page.locator('.ac-label').inner_text()): page.wait_for_timeout(400) # until it stands still
    names = page.locator('.ac-label .ac-tile figcaption').all_inner_texts()
    own = names[0].split()[0]
    for k in [k for k, name in enumerate(names) if name.split()[0] != own]:
        page.locator('.ac-label .ac-tile').nth(k).evaluate('tile => tile.click()')
        page.locator(f'.ac-label .ac-cell:nth-child({k + 1}) .ac-off').wait_for(timeout=30_000)
    classes = [t.lstrip('123456789 ').split()[0] for t in page.locator('.ac-label .ac-class').all_inner_texts()]
    page.locator('.ac-label').focus()
    if own in classes[:9]: page.keyboard.press(str(classes.index(own) + 1))
    else:
        page.keyboard.press('n')
        page.keyboard.type(own)
        page.keyboard.press('Enter')
    changed = "before => document.querySelector('.ac-label').innerText != before"
    page.wait_for_function(changed, arg=before, timeout=30_000)

def click_label(page, address, folder, name):
    "Label thirty photos with keys, kill the kernel, go on: nothing may be lost, no key may reach JupyterLab."
    def labels(): return (folder/'labels.csv').read_text(encoding='utf-8').splitlines()[1:]
    said, counted = walk(page, address, folder, name)
    cells = page.evaluate(CELLS)
    keys = 0
    while not (folder/'labels.csv').exists() or len(labels()) < 30:
        press_label(page)
        keys += 1
    before = labels()
    page.keyboard.press('b')
    page.wait_for_timeout(1000)
    if len(labels()) >= len(before): said.append('going back has taken no label back')
    press_label(page)
    before = labels()
    shoot(page, 'label')
    wrong = [l for l in before if not l.startswith(l.split(',')[2] + ' ')]
    if wrong: said.append(f'labels are not those that were given: {wrong[:3]}')
    page.evaluate(KILL)
    page.wait_for_timeout(3000)
    for button in page.locator('.jp-Dialog button', has_text='Ok').all(): button.click() # 'the kernel has died'
    page.evaluate(RESTART)
    page.evaluate(RUN, SECONDS)
    page.locator('.ac-label .ac-tile').first.wait_for(timeout=60_000)
    if labels() != before: said.append('labels were lost with the kernel')
    press_label(page)
    if len(labels()) <= len(before): said.append('nothing more can be labelled after a new start')
    if page.evaluate(CELLS) != cells: said.append('keys have changed the notebook')
    return said, f'{counted}; {len(before)} photos labelled with {keys} screens, kernel killed, went on'

CLICKED = {'label.ipynb': click_label, 'cleaner.ipynb': click_cleaner, 'demo.ipynb': click_demo}

def visit(browser, address, folder, name):
    "Work through one notebook in a page of its own; returns True if all is well."
    start, page = time.time(), browser.new_page(viewport=dict(width=1280, height=900))
    try:
        said, counted = CLICKED.get(name, walk)(page, address, folder, name)
    except Exception as e:
        said, counted = [f'{type(e).__name__}: {e}'], ''
        page.screenshot(path=SHOTS/f'{name}.png')
    page.evaluate(END) # one kernel at a time
    page.close()
    head = f"{'FAILED' if said else 'ok    '} {name} ({time.time() - start:.0f} s) {counted}"
    print(head, *said, sep='\n  ' if said else ' ', flush=True)
    return not said

def main(names):
    shutil.rmtree(SHOTS, ignore_errors=True)
    SHOTS.mkdir(parents=True)
    with chromium() as browser, tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        copy_notebooks(tmp)
        folder = tmp/'nbs'
        with jupyterlab(folder, tmp/'home') as address:
            names = [f'{Path(n).stem}.ipynb' for n in names] or sorted(p.name for p in folder.glob('*.ipynb'))
            good = [visit(browser, address, folder, name) for name in names]
    sys.exit(not all(good))

if __name__ == '__main__': main(sys.argv[1:])
