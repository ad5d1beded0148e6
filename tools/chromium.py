"""Headless Chromium for tools/lab.py and tools/look.py.

If Chromium or playwright is missing, they print SKIPPED, or fail if ANIMAL_CLS_LAB=1 requires them."""
import os, shutil, sys
from contextlib import contextmanager

NAMES = 'chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'
FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync']

def skip(why):
    print(f'SKIPPED {sys.argv[0]}: {why}')
    sys.exit(os.environ.get('ANIMAL_CLS_LAB') == '1')

@contextmanager
def chromium():
    "A playwright browser."
    try: from playwright.sync_api import sync_playwright
    except ImportError: skip("playwright is missing: pip install -e '.[lab]'")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if not path: skip('Chromium is missing, for example: apt-get install chromium')
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=FLAGS)
        try: yield browser
        finally: browser.close()
