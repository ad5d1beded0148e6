"""The documentation site in _docs/: python tools/docs.py

nbdev turns nbs/ into pages in _proc/. Quarto builds the site from them where it is installed, otherwise smalldocs,
which is pure Python; both read the same _quarto.yml, and the reference pages are written from the docments either way,
with an index of all public names (api.qmd) that takes an example of each from the notebooks.
Then every link and picture is followed: the exit status is 1 when one leads nowhere."""
import ast
import html
import importlib
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT/'_docs'

def make_pages(): # -> the folder _proc
    from nbdev.serve import proc_nbs
    proc = proc_nbs(n_workers=0, force=True)
    for page in proc.glob('*.ipynb'):
        text = re.sub(r'output-file: .*?\\n', '', page.read_text(encoding='utf-8')) # a page is called as its notebook
        nb = json.loads(text)
        fold(nb, json.loads((ROOT/'nbs'/page.name).read_text(encoding='utf-8')))
        for output in (o for c in nb['cells'] for o in c.get('outputs', [])):
            if table := output.get('data', {}).get('text/html'): output['data']['text/html'] = spoken(''.join(table))
        page.write_text(json.dumps(nb), encoding='utf-8')
    return proc

def fold(page, notebook): # page changes
    "On a page, library code, imports and checks are folded; demo cells, figures and prose are open."
    names = {c.get('id'): summary(''.join(c['source'])) for c in notebook['cells'] if c['cell_type'] == 'code'}
    for c in page['cells']:
        if c['cell_type'] == 'code' and (name := names.get(c.get('id'))):
            c['source'] = f'#| code-fold: true\n#| code-summary: "{name}"\n' + ''.join(c['source'])

def summary(source): # of a cell to fold -> its one-line name; '' for a cell that stays open
    code = re.sub(r'^#\|.*\n?', '', source, flags=re.M)
    try: body = ast.parse(re.sub(r'^[%!].*', '', code, flags=re.M)).body
    except SyntaxError: return ''
    if body and all(isinstance(b, (ast.Import, ast.ImportFrom)) for b in body): return 'Imports'
    if re.match(r'#\|\s*(export|exporti)\b', source):
        defined = [b.name for b in body if isinstance(b, (ast.FunctionDef, ast.ClassDef))]
        defined += [t.id for b in body if isinstance(b, ast.Assign) for t in b.targets if isinstance(t, ast.Name)]
        return 'Library code' + (': ' + ', '.join(defined[:4]) + ' …'*(len(defined) > 4) if defined else '')
    if re.match(r'#\|\s*cuda\b', source): return 'Check, on a graphics card'
    return 'Check' if body and isinstance(body[-1], ast.Assert) and 'print(' not in code else ''

def spoken(table): # of pandas, as HTML -> the same with a dash for what is missing, and spaces in the names of columns
    table = re.sub(r'(<td[^>]*>)(NaN|NaT|None|nan)(?=</td>)', r'\1–', table)
    said = lambda head: re.sub(r'(?<=>)\w+(?=</th>)', lambda name: name[0].replace('_', ' '), head[0])
    table = re.sub(r'<thead>.*?</thead>', said, table, flags=re.S)
    return table if 'span=' in table else words_left(table)

def words_left(table): # columns of words begin at the left, numbers end at the right
    number = re.compile(r'[-+−–]?[\d.,]*%?')
    rows = [re.findall(r'<td>(.*?)</td>', row, re.S) for row in re.findall(r'<tr.*?</tr>', table, re.S)]
    words = [sum(not number.fullmatch(cell) for cell in column) > len(column)/2 for column in zip(*filter(None, rows))]
    def align(row):
        index, cells = re.match(r'(<tr.*?<th>.*?</th>|.*?(?=<td>))(.*)', row[0], re.S).groups()
        column = iter(words)
        left = lambda tag: f'{tag[0]} style="text-align: left"' if next(column, False) else tag[0]
        return index + re.sub(r'<t[dh](?=>)', left, cells)
    return re.sub(r'<tr.*?</tr>', align, table, flags=re.S) if any(words) else table

def make_reference(proc): # a page a module, of the names it offers; and the index of them all
    from smalldocs import api, config
    api.doc = lambda o, doc=api.doc: re.sub('(`.*?`)|<', lambda m: m[1] or "\\<", doc(o)) # a docstring is not HTML
    api.build_from_config(config.load(proc))
    (proc/'api.qmd').write_text(index(api.summary), encoding='utf-8')

INDEX = """---
title: API
description: "All public names in the order of the chapters: what each is for, and a line of a notebook that uses it."
---
"""

def index(summary): # how to read an object's docstring -> the page, in Markdown
    notebooks = sorted((ROOT/'nbs').glob('[0-9]*.ipynb'))
    books = {p.stem: json.loads(p.read_text(encoding='utf-8'))['cells'] for p in notebooks}
    used = {book: list(uses(cells)) for book, cells in books.items()}
    page, bare = [INDEX], []
    for book, cells in books.items():
        sources = [''.join(c['source']) for c in cells]
        if not (module := re.search(r'^#\| default_exp (\w+)', '\n'.join(sources), re.M)): continue
        mod = importlib.import_module(f'animal_cls.{module[1]}')
        title = re.search(r'^# (.*)', '\n'.join(sources), re.M)[1]
        page += [f'## animal_cls.{module[1]} {{#{module[1]}}}', '', f'Chapter: [{title}]({book}.ipynb)', '',
                 '| name | what it is for, and an example |', '| --------- | ------------------------------ |']
        for name in mod.__all__:
            thing, line = getattr(mod, name), example(name, book, used)
            if not line: bare.append(f'{module[1]}.{name}')
            entry = f'api/{module[1]}.qmd#{name}' if callable(thing) else f'{book}.ipynb'
            about = summary(thing) if callable(thing) else comment(name, mod)
            row = '<br>'.join(filter(None, (about.replace('|', '\\|'), f'`{line}`'*bool(line))))
            page.append(f'| [`{name}`]({entry}) | {row} |')
        page.append('')
    names = sum(row.startswith('| [') for row in page)
    print(f'API: {names} public names, {len(bare)} without an example in a notebook:', *bare)
    return '\n'.join(page)

def comment(name, mod): # beside the assignment of a constant
    found = re.search(rf'^{name}\b.*?=.*?#\s*(.*)', Path(mod.__file__).read_text(encoding='utf-8'), re.M)
    return found[1] if found else ''

def uses(cells): # of a notebook -> (a line of a demo cell, the names in it, those it calls, whether it is a statement)
    for source in (''.join(c['source']) for c in cells if c['cell_type'] == 'code'):
        if re.search(r'^#\|\s*(export|exporti|cuda)\b', source, re.M): continue
        try: body = ast.parse(code := re.sub(r'^[%!].*', '', source, flags=re.M)).body
        except SyntaxError: continue
        for node in demos(body):
            names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
            called = {n.func.id for n in ast.walk(node) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
            line = ast.get_source_segment(code, node)
            yield ast.unparse(node) if '\n' in line else line, names, called, isinstance(node, ast.stmt)

def demos(nodes): # -> statements that just do something, and all calls; what is tried, defined or has to fail stays out
    for n in nodes:
        if isinstance(n, (ast.Try, ast.FunctionDef, ast.ClassDef, ast.Lambda, ast.Import, ast.ImportFrom)): continue
        if isinstance(n, ast.Call) and re.search('complaint|refus|raises', ast.unparse(n.func)): continue
        if isinstance(n, (ast.Expr, ast.Assign, ast.Call)): yield n
        yield from demos(ast.iter_child_nodes(n))

def example(name, home, used): # -> the shortest line that calls (or else uses) a name, best in its own chapter; or ''
    found = [(book != home, name not in called, len(line) - 30*whole, line) for book, lines in used.items()
             for line, names, called, whole in lines if name in names and name != line and len(line) <= 90
             and not re.search(r'[`|\n]|\b_[a-z]|complaint|refus|raises|isinstance', line)]
    return min(found)[3] if found else ''

def build_quarto(proc): subprocess.run(['quarto', 'render', proc, '--no-execute'], check=True)

def build_smalldocs(proc):
    from smalldocs.site import build
    build(proc, quiet=True)
    for p in (proc/SITE.name).glob('*.html'): change(p, mathml)
    without_fonts = lambda css: re.sub(r'@import url\(https:[^)]*\);', '', css) # those of the system will do
    for p in (proc/SITE.name).rglob('*.css'): change(p, without_fonts)

def change(file, how): file.write_text(how(file.read_text(encoding='utf-8')), encoding='utf-8')

def mathml(page): # formulas that a browser shows by itself, instead of a script from elsewhere
    from latex2mathml.converter import convert
    page = re.sub(r'<(link|script)[^>]*/katex@[^>]*>(</script>)?', '', page)
    shown = lambda m: convert(html.unescape(m[2]), display={'display': 'block'}.get(m[1], m[1]))
    return re.sub(r'<span class="math (inline|display)">\\[(\[](.*?)\\[)\]]</span>', shown, page, flags=re.S)

class Page(HTMLParser):
    "The ids of a page, and the addresses that it points to."
    def __init__(self, path):
        super().__init__()
        self.ids, self.addresses = set(), []
        self.feed(path.read_text(encoding='utf-8'))

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids.add(attrs.get('id'))
        self.addresses += [attrs[k] for k in ('href', 'src') if attrs.get(k)]

def try_it(folder): # the page that is the net, with pictures for those who have no photo at hand
    "A cat of scikit-image (CC0), things that are no animals, and two drawings of ours."
    import skimage
    from PIL import Image
    from animal_cls.core import UserError
    from animal_cls.sample import draw_animal
    from animal_cls.web import make_page
    shots = Path(skimage.__file__).parent/'data'
    pictures = {'cat': shots/'chelsea.png', 'cup of coffee': shots/'coffee.png', 'rocket': shots/'rocket.jpg'}
    pictures = {what: Image.open(file).convert('RGB') for what, file in pictures.items()}
    pictures |= {f'drawing of {what}': draw_animal(kind, seed)[0] for what, kind, seed in
                 (('a butterfly', 'farfalla', 5005), ('an elephant', 'elefante', 5003))}
    names = {f"{what.replace(' ', '-')}.jpg": what for what in pictures}
    try: make_page(None, folder, examples=names)
    except UserError as e:
        folder.mkdir()
        (folder/'index.html').write_text(f'This page could not be made here. {e}', encoding='utf-8')
    for name, what in names.items():
        pictures[what].thumbnail((640, 640))
        pictures[what].save(folder/name, quality=88)

def troubles(site): # -> a line for each
    pages, linked = {p: Page(p) for p in site.rglob('*.html') if p.parent.name != 'try'}, {site/'index.html'}
    found = {e['href'].split('#')[0] for e in json.loads((site/'search.json').read_text(encoding='utf-8'))}
    for path, page in pages.items():
        name = path.relative_to(site).as_posix()
        if name not in found: yield f'{name}: not found by the search'
        if 'cell-output-error' in path.read_text(encoding='utf-8'): yield f'{name}: shows an error'
        for address in page.addresses:
            url = urlsplit(address)
            if url.scheme or url.netloc: continue # elsewhere, or in the page itself
            to = (path.parent/unquote(url.path)).resolve() if url.path else path
            if to != path: linked.add(to)
            if not to.is_file() or to.suffix == '.ipynb': yield f'{name}: {address} leads nowhere'
            elif url.fragment and unquote(url.fragment) not in getattr(pages.get(to), 'ids', ()):
                yield f'{name}: {address} has no such place'
    for path in pages.keys() - linked: yield f'{path.relative_to(site)}: no page leads there; name it in _quarto.yml'

if __name__ == '__main__':
    if sys.version_info < (3, 11): sys.exit(print('SKIPPED tools/docs.py: smalldocs needs Python 3.11') or 0)
    proc = make_pages()
    make_reference(proc)
    (build_quarto if shutil.which('quarto') else build_smalldocs)(proc)
    shutil.rmtree(SITE, ignore_errors=True)
    (proc/SITE.name).rename(SITE)
    try_it(SITE/'try')
    bad, n = list(troubles(SITE)), len(list(SITE.rglob('*.html')))
    size = sum(p.stat().st_size for p in SITE.rglob('*') if p.is_file())
    print(*bad, f'{n} pages, {size/1e6:.1f} MB in {SITE.name}/', sep='\n')
    sys.exit(bool(bad))
