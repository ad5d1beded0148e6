"""The walkthrough as a person has it: python tools/lab.py [NOTEBOOK...]

In a real JupyterLab, on a copy of nbs/ without outputs, every numbered notebook (or those named) is opened in headless Chromium and all its cells are run, less those that
nbdev_test leaves out. None may end in an error, and every figure and widget that the saved notebook tells of must be drawn on the page. Then a photo is excluded and another
relabelled in the cleaner of notebook 12, and both must still be there after a reload and in a new kernel; and the demo of notebook 12 gets other photos, one of them dropped, another class, method and
strength. Screenshots and the server's log: runs/lab/."""
import json, os, re, shutil, socket, subprocess, sys, tempfile, time, urllib.request
from contextlib import contextmanager
from pathlib import Path
from chromium import chromium

ROOT = Path(__file__).resolve().parent.parent
SHOTS, SECONDS = ROOT/'runs'/'lab', 300 # for one notebook
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
DROP = '''async picture => {
    const held = new DataTransfer(); held.items.add(new File([await (await fetch(picture)).blob()], 'dropped.jpg'));
    document.querySelector('.ac-drop').dispatchEvent(new DragEvent('drop', {dataTransfer: held, bubbles: true, cancelable: true})) }'''

READY = 'async () => { const nb = jupyterapp.shell.currentWidget; await nb.context.ready; await nb.sessionContext.ready }'
RUN = '''async seconds => {
    const late = new Promise((_, fail) => setTimeout(() => fail(Error(`not done after ${seconds} s`)), 1000*seconds));
    await Promise.race([jupyterapp.commands.execute('notebook:run-all-cells'), late]);
    await new Promise(r => setTimeout(r, 1000));
    await jupyterapp.shell.currentWidget.context.save();
}'''
RESTART = 'async () => { await jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart() }'
END = 'async () => { await jupyterapp.shell.currentWidget?.sessionContext?.shutdown() }'
DRAWN = '''() => { // of each cell: pictures in more than one colour, widgets with a size
    const canvas = new OffscreenCanvas(64, 64), ctx = canvas.getContext('2d', {willReadFrequently: true});
    const coloured = im => { if (!im.naturalWidth) return false;
        ctx.drawImage(im, 0, 0, 64, 64); const px = new Uint32Array(ctx.getImageData(0, 0, 64, 64).data.buffer); return px.some(v => v != px[0]) };
    const shown = w => w.offsetWidth && w.offsetHeight;
    return [...jupyterapp.shell.currentWidget.node.querySelectorAll('.jp-Cell')].map(cell => ({
        pictures: [...cell.querySelectorAll('.jp-OutputArea-output img')].filter(coloured).length,
        widgets: [...cell.querySelectorAll('.jp-OutputArea-output')].filter(o => [...o.querySelectorAll('.jupyter-widgets')].some(shown)).length}))}'''
SETTINGS = {'notebook-extension/tracker': dict(windowingMode='none'), # all cells are on the page, not only those in view
            'apputils-extension/notification': dict(fetchNews='false', checkForUpdates=False)}

def copy_notebooks(to): # and the results that some of them read
    shutil.copytree(ROOT/'results', to/'results')
    (to/'nbs').mkdir()
    for path in sorted(ROOT.glob('nbs/[0-9]*.ipynb')):
        nb = json.loads(path.read_text(encoding='utf-8'))
        nb['cells'] = [c | dict(outputs=[], execution_count=None) if c['cell_type'] == 'code' else c for c in nb['cells'] if not LEFT_OUT.search(''.join(c['source']))]
        (to/'nbs'/path.name).write_text(json.dumps(nb), encoding='utf-8')
    for name, source in ('cleaner', CLEANER), ('demo', DEMO):
        cell = dict(cell_type='code', id=name, metadata={}, source=source, outputs=[], execution_count=None)
        kernel = dict(display_name='Python 3', language='python', name='python3')
        (to/'nbs'/f'{name}.ipynb').write_text(json.dumps(dict(cells=[cell], metadata=dict(kernelspec=kernel), nbformat=4, nbformat_minor=5)))

@contextmanager
def jupyterlab(folder, home):
    "A server with settings of its own; gives its address."
    for name, values in SETTINGS.items():
        path = home/'settings'/'@jupyterlab'/f'{name}.jupyterlab-settings'
        path.parent.mkdir(parents=True, exist_ok=True); path.write_text(json.dumps(values))
    with socket.socket() as s: s.bind(('127.0.0.1', 0)); port = s.getsockname()[1]
    env = os.environ | {f'JUPYTER_{k}_DIR': str(home/k.lower()) for k in ('CONFIG', 'DATA', 'RUNTIME')} | {f'JUPYTERLAB_{k}_DIR': str(home/k.lower()) for k in ('SETTINGS', 'WORKSPACES')}
    for k in ('MPLBACKEND', 'OMP_NUM_THREADS', 'MKL_NUM_THREADS'): env.pop(k, None) # what tools/test.py sets is not what a person has
    args = ['--no-browser', '--allow-root', '--expose-app-in-browser', '--IdentityProvider.token=', f'--port={port}', f'--notebook-dir={folder}']
    with open(SHOTS/'server.log', 'w') as log:
        server = subprocess.Popen([sys.executable, '-m', 'jupyterlab', *args], env=env, stdout=log, stderr=log)
        try:
            for _ in range(120):
                try: urllib.request.urlopen(f'http://127.0.0.1:{port}/api/status', timeout=5).close(); break
                except OSError: time.sleep(.5)
            yield f'http://127.0.0.1:{port}'
        finally: server.terminate(); server.wait(30)

def open_notebook(page, address, name):
    page.goto(f'{address}/lab/tree/{name}?reset', wait_until='domcontentloaded')
    page.wait_for_function("name => window.jupyterapp?.shell.currentWidget?.context?.path == name", arg=name, timeout=120_000)
    page.evaluate(READY)

def shoot(page, name): # the whole notebook, up to a limit
    height = page.evaluate("() => document.querySelector('.jp-Notebook').scrollHeight")
    page.set_viewport_size(dict(width=1280, height=min(height, 12_000) + 150))
    page.wait_for_timeout(500); page.screenshot(path=SHOTS/f'{name}.png')

def check(page, path): # -> what is wrong with a notebook that has been run and saved
    for _ in range(20): # a browser draws when it likes
        drawn, cells, said = page.evaluate(DRAWN), json.loads(path.read_text(encoding='utf-8'))['cells'], []
        for i, (c, seen) in enumerate(zip(cells, drawn)):
            outputs = c.get('outputs', [])
            said += [f"cell {i} ends in {o['ename']}: {o['evalue'][:500]}" for o in outputs if o['output_type'] == 'error']
            if c['cell_type'] == 'code' and ''.join(c['source']).strip() and not c['execution_count']: said.append(f'cell {i} was not run')
            kinds = [set(o.get('data', ())) for o in outputs]
            widgets = sum('application/vnd.jupyter.widget-view+json' in k for k in kinds)
            pictures = sum(any(m.startswith('image/') for m in k) for k in kinds)
            if seen['widgets'] < widgets: said.append(f"cell {i} shows {seen['widgets']} of {widgets} widgets")
            if seen['pictures'] < pictures: said.append(f"cell {i} shows {seen['pictures']} of {pictures} figures")
        if len(drawn) != len(cells): said.append(f'{len(drawn)} of {len(cells)} cells are on the page')
        if not said: break
        page.wait_for_timeout(250)
    n = [sum(d[k] for d in drawn) for k in ('pictures', 'widgets')]
    return said, f'{len(cells)} cells, {n[0]} pictures, {n[1]} widgets'

def walk(page, address, folder, name):
    open_notebook(page, address, name)
    page.evaluate(RUN, SECONDS)
    result = check(page, folder/name)
    shoot(page, Path(name).stem)
    return result

def click_cleaner(page, address, folder, name):
    "Exclude one photo and relabel another: they must be framed at once, after a reload, and in a new kernel."
    tile = lambda i: page.locator('.ac-tile').nth(i)
    pick = lambda i: page.locator('.widget-gridbox .widget-dropdown select').nth(i)
    def framed(): page.locator('.ac-tile.ac-exclude').wait_for(timeout=30_000); page.locator('.ac-tile.ac-relabel').wait_for(timeout=30_000)
    said, counted = walk(page, address, folder, name)
    own = tile(1).locator('b').inner_text()
    other = next(o for o in pick(1).evaluate('s => [...s.options].map(o => o.value)') if o.startswith('is: ') and o != f'is: {own}')
    pick(0).select_option('exclude'); pick(1).select_option(other); framed()
    choices = (folder/'curation.csv').read_text(encoding='utf-8')
    if len(choices.splitlines()) != 3: said.append(f'curation.csv holds {choices!r}')
    page.evaluate('() => jupyterapp.shell.currentWidget.context.save()')
    open_notebook(page, address, name); framed()
    page.evaluate(RESTART); page.evaluate(RUN, SECONDS); framed()
    if tile(1).locator('mark').inner_text() != other: said.append(f"the second photo is not framed with '{other}'")
    if (folder/'curation.csv').read_text(encoding='utf-8') != choices: said.append('the choices have changed')
    shoot(page, 'cleaner')
    return said, f'{counted}; excluded one, relabelled one, reloaded, restarted'

def click_demo(page, address, folder, name):
    "Another photo, class, method and strength must each change the picture; a file that is none is refused in words, and a photo that is dropped is answered."
    pick = lambda i: page.locator('.ac-demo .widget-dropdown select').nth(i)
    picture = lambda: page.locator('.ac-drop > img').get_attribute('src')
    said, counted = walk(page, address, folder, name)
    first = picture()
    for act in (lambda: pick(0).select_option(index=2), lambda: pick(1).select_option(index=2), lambda: pick(2).select_option('layercam'),
                lambda: page.locator('.ac-demo .noUi-handle').press('ArrowLeft')):
        before = picture(); act()
        page.wait_for_function("before => ![undefined, before].includes(document.querySelector('.ac-drop > img')?.src)", arg=before, timeout=30_000)
    shoot(page, 'demo')
    with page.expect_file_chooser() as chosen: page.locator('.ac-demo .widget-upload').click()
    chosen.value.set_files(dict(name='letter.pdf', mimeType='application/pdf', buffer=b'%PDF-1.4'))
    page.locator('.ac-says', has_text='not a photo').wait_for(timeout=30_000)
    page.evaluate(DROP, first); page.locator('.ac-drop > img').wait_for(timeout=30_000)
    if (now := pick(0).locator('option:checked').inner_text()) != 'dropped.jpg': said.append(f"'{now}' is chosen instead of what was dropped")
    return said, f'{counted}; another photo, class, method and strength, one file refused, one photo dropped'

CLICKED = {'cleaner.ipynb': click_cleaner, 'demo.ipynb': click_demo}

def main(names):
    shutil.rmtree(SHOTS, ignore_errors=True); SHOTS.mkdir(parents=True)
    failed = 0
    with chromium() as browser, tempfile.TemporaryDirectory() as tmp:
        tmp = Path(tmp)
        copy_notebooks(tmp)
        folder = tmp/'nbs'
        with jupyterlab(folder, tmp/'home') as address:
            for name in [f'{Path(n).stem}.ipynb' for n in names] or sorted(p.name for p in folder.glob('*.ipynb')):
                start, page = time.time(), browser.new_page(viewport=dict(width=1280, height=900))
                try: said, counted = CLICKED.get(name, walk)(page, address, folder, name)
                except Exception as e: said, counted = [f'{type(e).__name__}: {e}'], ''; page.screenshot(path=SHOTS/f'{name}.png')
                page.evaluate(END); page.close() # one kernel at a time
                failed += bool(said)
                print(f"{'FAILED' if said else 'ok    '} {name} ({time.time() - start:.0f} s) {counted}", *said, sep='\n  ' if said else ' ', flush=True)
    sys.exit(failed > 0)

if __name__ == '__main__': main(sys.argv[1:])
