"""Look at the site as a visitor would: python tools/look.py [PAGE...]

Opens every page of _docs/ (or those named) in headless Chromium, 1280 and 390 pixels wide, light and dark. There must
be no errors on the console, everything must load, every picture must show, with a caption and a text for those who
cannot see it; nothing may be wider than the window or cut off, and the search must work. A learner's chapter, 01 to 11,
soon shows a picture or a table, and its open code fills at most a third of it. Screenshots go to runs/look/."""
import re, sys, threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from chromium import chromium

ROOT = Path(__file__).resolve().parent.parent
SITE, SHOTS = ROOT/'_docs', ROOT/'runs'/'look'
VIEWS = dict(wide=(1280, 'light'), dark=(1280, 'dark'), narrow=(390, 'light'))
MOST_CODE, FIRST_FIGURE = .35, 1500 # of the height of a chapter at 1280 pixels; pixels from the top
LOOK = '''() => {
    const all = what => [...document.querySelectorAll(what)].filter(e => e.checkVisibility())
    const name = e => e.tagName.toLowerCase() + [...e.classList].map(c => '.' + c).join('') + ' ' +
                      (e.alt || e.textContent).trim().slice(0, 40)
    const box = e => e.getBoundingClientRect()
    const sum = es => es.reduce((total, e) => total + box(e).height, 0)
    const flow = e => getComputedStyle(e).overflowX
    const scrolls = e => e && e != document.body && (/auto|scroll/.test(flow(e)) || scrolls(e.parentElement))
    const beyond = e => box(e).right > innerWidth + 1 && !scrolls(e)
    const cut = e => box(e).width > 1 && (e.scrollWidth > e.clientWidth + 1 && /hidden|clip/.test(flow(e)) || beyond(e))
    const bare = im => !im.alt.trim() || !im.closest('.cell, figure')?.querySelector('figcaption')
    const figures = all('main :is(figure, table, iframe, img)').filter(e => box(e).height > 40)
    return {wide: document.documentElement.scrollWidth - innerWidth,
            height: document.documentElement.scrollHeight,
            back: getComputedStyle(document.body).backgroundColor,
            blank: [...document.images].filter(im => !im.complete || !im.naturalWidth).length,
            bare: all('main img').filter(bare).length + all('main iframe:not([title])').length,
            cut: all('main *').filter(cut).map(name),
            code: sum(all('main :is(div.sourceCode, .code-fold > summary)'))/sum(all('main')),
            first: Math.min(...figures.map(e => box(e).top + scrollY))}
}'''

class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args): pass

def look(page, address, name): # -> list of problems
    "Check one page, and take a screenshot of each view."
    said, backs = [], {}
    page.on('console', lambda m: m.type == 'error' and said.append(f'console: {m.text}'))
    page.on('pageerror', lambda e: said.append(f'script: {e}'))
    page.on('requestfailed', lambda r: said.append(f'not loaded: {r.url[:200]}'))
    page.on('response', lambda r: r.status >= 400 and said.append(f'{r.status}: {r.url}'))
    page.goto(address, wait_until='networkidle')
    for view, (width, scheme) in VIEWS.items():
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size(dict(width=width, height=900))
        page.wait_for_timeout(200)
        seen = page.evaluate(LOOK)
        backs[scheme] = seen['back']
        if seen['wide'] > 0: said.append(f"{seen['wide']} pixels wider than a window of {width}")
        if seen['blank']: said.append(f"{seen['blank']} pictures do not show")
        if seen['cut']: said.append(f"{len(seen['cut'])} things cut off at {width}, first {seen['cut'][0]}")
        if view == 'wide': said += learner(seen, name)
        page.set_viewport_size(dict(width=width, height=min(seen['height'], 4000))) # rendering without a GPU is slow
        page.screenshot(path=SHOTS/f'{name}-{view}.png')
    if backs['light'] == backs['dark']: said.append(f"light and dark have the same background, {backs['light']}")
    return list(dict.fromkeys(said))

def learner(seen, name): # -> list of problems
    "What a reader needs: pictures with words, and in a chapter little code and an early figure."
    if seen['bare']: yield f"{seen['bare']} pictures without a caption or a text instead (alt)"
    if not re.match('0[1-9]|1[01]', name): return
    print(f"{name}: {seen['code']:.0%} code, first figure at {seen['first']:.0f}", flush=True)
    if seen['code'] > MOST_CODE: yield f"{seen['code']:.0%} of the height is code"
    if seen['first'] > FIRST_FIGURE: yield f"no figure or table above {seen['first']:.0f} pixels"

def search(page, address): # -> list of problems
    "Check that the search finds a chapter."
    page.goto(address, wait_until='networkidle')
    page.locator('input[type=search]:visible').first.fill('Grad-CAM')
    try: page.locator('a[href*="gradcam"]:visible', has_text='Grad-CAM').first.wait_for(timeout=5000)
    except Exception as e: return [f'the search does not work: {e}']
    return []

if __name__ == '__main__':
    names = sys.argv[1:] or sorted(p.relative_to(SITE).as_posix() for p in SITE.rglob('*.html')
                                   if p.parent.name != 'try') # tools/page.py looks at that one
    SHOTS.mkdir(parents=True, exist_ok=True)
    server = ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=SITE))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home, bad = f'http://127.0.0.1:{server.server_port}/', 0
    with chromium() as browser:
        for name in names:
            page = browser.new_page()
            problems = look(page, home + name, name.replace('/', '-').removesuffix('.html'))
            for problem in problems: print(f'{name}: {problem}', flush=True)
            bad += len(problems)
            page.close()
        problems = search(browser.new_page(), home)
        for problem in problems: print(problem)
        bad += len(problems)
    shots = SHOTS.relative_to(ROOT)
    print(f'{len(names)} pages checked, wide, narrow and dark: {bad} problems; screenshots in {shots}/')
    sys.exit(bad > 0)
