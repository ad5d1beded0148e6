"""Headless Firefox for tools/page.py, driven by its own protocol, WebDriver BiDi: no further program is needed."""
import json, shutil, signal, subprocess, tempfile, time
from contextlib import contextmanager

class Firefox:
    "One page in Firefox, with what `Visitor` of tools/page.py can do."
    def __init__(self, socket, address):
        self.socket, self.n = socket, 0
        self.version = self.call('session.new', capabilities={})['capabilities']['browserVersion']
        self.tab = self.call('browsingContext.create', type='tab')['context']
        self.call('browsingContext.navigate', context=self.tab, url=address, wait='complete')

    def call(self, method, **params):
        self.n += 1
        self.socket.send(json.dumps(dict(id=self.n, method=method, params=params)))
        while (reply := json.loads(self.socket.recv())).get('id') != self.n: pass # events
        if reply['type'] == 'error': raise RuntimeError(reply['message'])
        return reply['result']

    def run(self, script): # -> what JSON can hold, or a reference to an element
        told = self.call('script.evaluate', expression=script, target=dict(context=self.tab), awaitPromise=True)
        if told['type'] == 'exception': raise RuntimeError(told['exceptionDetails']['text'])
        return told['result']

    def evaluate(self, script): return json.loads(self.run(f'JSON.stringify({script})').get('value', 'null'))

    def set_input_files(self, selector, files):
        element = dict(sharedId=self.run(f'document.querySelector("{selector}")')['sharedId'])
        self.call('input.setFiles', context=self.tab, element=element, files=[str(f) for f in files])

    def wait_for_timeout(self, ms): time.sleep(ms/1000)

    def inner_text(self, selector): return self.evaluate(f'document.querySelector("{selector}").innerText')

@contextmanager
def firefox(address): # of a page
    "A `Firefox`; None where there is none."
    program = shutil.which('firefox-esr') or shutil.which('firefox')
    if not program:
        yield None
        return
    from websocket import create_connection # comes with JupyterLab
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [program, '--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0']
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        try:
            said = next(line for line in process.stderr if 'WebDriver BiDi listening on' in line)
            yield Firefox(create_connection(f'{said.split()[-1]}/session', timeout=600, suppress_origin=True), address)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()
