"""Make README.md from nbs/index.ipynb and the outputs kept in it: python tools/readme.py [--check]

With --check nothing is written, and the exit status is 1 if README.md is not up to date."""
import base64, json, re, sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

def relink(s):
    "Relative addresses as seen from the folder above nbs/."
    return re.sub(r'(\]\()(?!\w+:|#|/)', r'\1nbs/', s)

def fence(s, lang=''): return f'```{lang}\n{s.rstrip()}\n```'

def directives(src): # -> name: value
    "The lines '#| name: value' of a cell."
    return {k.strip(): v.strip(' "') for k, _, v in (d.partition(':') for d in re.findall(r'^#\|(.*)', src, re.M))}

def outputs(cell, alt, files):
    "The outputs of a cell as Markdown; pictures are added to `files`."
    for o in cell['outputs']:
        data = o.get('data') or {'text/plain': o.get('text', '')}
        data = {k: ''.join(v) for k, v in data.items()}
        if 'text/markdown' in data: yield relink(data['text/markdown'])
        elif 'image/png' in data:
            path = f'nbs/images/readme-{len(files)}.png'
            files[path] = base64.b64decode(data['image/png'])
            yield f'![{alt}]({path})'
        else: yield fence(data['text/plain'])

def readme(nb): # -> path: bytes
    "README.md and the pictures in it."
    files, parts = {}, ['<!-- made by tools/readme.py from nbs/index.ipynb: edit that -->']
    for c in nb['cells']:
        src = ''.join(c['source'])
        if c['cell_type'] == 'markdown':
            parts.append(relink(src))
            continue
        d = directives(src)
        if 'hide' in d or not src.strip(): continue
        code = re.sub(r'^#\|.*\n?', '', src, flags=re.M)
        if d.get('echo') != 'false' and code.strip(): parts.append(fence(code, 'python'))
        parts += outputs(c, d.get('fig-alt', ''), files)
    return files | {'README.md': ('\n\n'.join(p.strip() for p in parts) + '\n').encode()}

def main(check):
    files = readme(json.loads((ROOT/'nbs/index.ipynb').read_text(encoding='utf-8')))
    stale = [p for p, b in files.items() if not (ROOT/p).exists() or (ROOT/p).read_bytes() != b]
    extra = [p for p in ROOT.glob('nbs/images/readme-*.png') if p.relative_to(ROOT).as_posix() not in files]
    if check:
        if not stale and not extra: return
        sys.exit(f"{', '.join(stale) or extra[0]} differs from nbs/index.ipynb: run python tools/readme.py")
    for p in stale:
        (ROOT/p).parent.mkdir(exist_ok=True)
        (ROOT/p).write_bytes(files[p])
    for p in extra: p.unlink()

if __name__ == '__main__':
    if sys.argv[1:] not in ([], ['--check']): sys.exit(__doc__)
    main('--check' in sys.argv)
