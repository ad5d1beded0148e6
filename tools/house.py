"""The house in figures: how readable is it? python tools/house.py

A line for each notebook, then the sums that CONTRIBUTING.md asks for."""
import ast
import io
import json
import re
import statistics
import tokenize
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

def source(cell): return ''.join(cell['source'])

def statements_after_semicolons(code):
    "Semicolons that something follows on the same line, strings and comments aside."
    try: tokens = list(tokenize.generate_tokens(io.StringIO(re.sub(r'^[%!].*', '', code, flags=re.M)).readline))
    except (tokenize.TokenError, IndentationError): return 0
    return sum(t.string == ';' and bool(t.line[t.end[1]:].strip()) for t in tokens if t.type == tokenize.OP)

def shows(cell, what): # does an output hold a picture, a table?
    data = [o.get('data') or {} for o in cell.get('outputs', [])]
    kinds = [(k, ''.join(v)) for d in data for k, v in d.items() if isinstance(v, (str, list))]
    return any(k.startswith('image/') if what == 'picture' else k == 'text/html' and '<table' in v for k, v in kinds)

def public(module):
    file = ROOT/'animal_cls'/f'{module}.py'
    found = re.search(r'__all__ = (\[.*?\])', file.read_text(encoding='utf-8'), re.S) if file.exists() else None
    return len(ast.literal_eval(found[1])) if found else 0

def figures(notebook):
    cells = json.loads(notebook.read_text(encoding='utf-8'))['cells']
    code = [c for c in cells if c['cell_type'] == 'code']
    lines = [l for c in code for l in source(c).splitlines()]
    prose = sum(len(source(c)) for c in cells if c['cell_type'] == 'markdown')
    pictures, tables = ([c for c in code if shows(c, what)] for what in ('picture', 'table'))
    module = next((source(c).split()[2] for c in code if source(c).startswith('#| default_exp')), None)
    return dict(cells=len(cells), lines=len(lines), wide=sum(len(l) > 120 for l in lines),
                semicolons=sum(statements_after_semicolons(source(c)) for c in code),
                long_cells=sum(len(source(c).splitlines()) > 30 for c in code),
                median=statistics.median(len(source(c).splitlines()) for c in code),
                prose=prose/(prose + sum(len(source(c)) for c in code)),
                first=next((i for i, c in enumerate(cells) if c in pictures or c in tables), -1),
                bare=sum('fig-cap' not in source(c) or 'fig-alt' not in source(c) for c in pictures)
                     + sum('tbl-cap' not in source(c) for c in tables), public=public(module) if module else 0)

def main():
    rows = {p.stem: figures(p) for p in sorted(ROOT.glob('nbs/*.ipynb'))}
    print(f"{'':16}" + ''.join(f'{k:>11}' for k in next(iter(rows.values()))))
    for name, row in rows.items():
        print(f'{name:16}' + ''.join(f'{v:>11.0%}' if k == 'prose' else f'{v:>11}' for k, v in row.items()))
    files = [p for p in (*ROOT.glob('tools/*.py'), *ROOT.glob('animal_cls/*.py')) if p.name != '_modidx.py']
    scripts = [l for p in files for l in p.read_text(encoding='utf-8').splitlines()]
    everything = sum(r['lines'] for r in rows.values()) + len(scripts)
    wide = sum(r['wide'] for r in rows.values()) + sum(len(l) > 120 for l in scripts)
    several = sum(statements_after_semicolons(p.read_text(encoding='utf-8')) for p in ROOT.glob('tools/*.py'))
    several += sum(r['semicolons'] for r in rows.values())
    print(f'lines over 120 columns: {wide} of {everything} ({wide/everything:.1%})')
    print(f"several statements on a line: {several}; public names: {sum(r['public'] for r in rows.values())}")

if __name__ == '__main__':
    main()
