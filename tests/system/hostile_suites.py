"""Suites that do everything they can to outlive their cancel, to harm their neighbours or to look around.

Each passes one test first, then says that it is at it. All are real `@playwright/test` suites.
"""

from dataclasses import dataclass, field

ACTING = "at it now"
CONFIG = "module.exports = { workers: 1, timeout: 300000, reporter: 'list', %s };"


@dataclass(frozen=True)
class HostileSuite:
    """``body`` is the second test; ``config`` goes into Playwright's config, ``files`` into the bundle.

    ``has_page``: the hostile test opens a page first, so that a trace of it is to be kept.
    """

    name: str
    body: str
    config: str = ""
    files: dict[str, str] = field(default_factory=dict)
    has_page: bool = True
    prelude: str = ""

    def bundle_files(self, marker: str) -> dict[str, str]:
        """The suite's files. ``marker`` is in the command line of whatever it starts by hand."""
        fixtures = "{ page }, testInfo" if self.has_page else "{}, testInfo"
        page = "await page.setContent('<h1>shop</h1>'); await page.locator('h1').click();"
        spec = f"""
const {{ test, expect }} = require('@playwright/test');
const {{ spawn, execSync }} = require('child_process');
const fs = require('fs');
const MARK = '{marker}';
{self.prelude}
test('behaves', async ({{ page }}) => {{ await page.setContent('<p>fine</p>'); }});
test('misbehaves', async ({fixtures}) => {{
  {page if self.has_page else ""}
  console.log('{ACTING}');
  {self.body}
}});
"""
        config = CONFIG % self.config.replace("MARK", marker)
        files = {name: text.replace("MARK", marker) for name, text in self.files.items()}
        return {"hostile.spec.js": spec, "playwright.config.js": config, **files}


_FOREVER = "await new Promise(() => {});"
_SPIN = "for (;;) {}"
_DAEMON = """
import os, signal, sys
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
for name in ('SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'): signal.signal(getattr(signal, name), signal.SIG_IGN)
os.closerange(0, 256)
while True:
    if os.fork() == 0:
        os.setsid(); continue  # the child goes on, the parent waits for its death and forks again
    try: os.wait()
    except ChildProcessError: pass
"""
_RENAMED = """
import ctypes, os, signal
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
ctypes.CDLL(None).prctl(15, b'kworker/0:1', 0, 0, 0)
for name in ('SIGINT', 'SIGTERM', 'SIGHUP'): signal.signal(getattr(signal, name), signal.SIG_IGN)
while True: signal.pause()
"""
_STUBBORN_SERVER = """
process.title = 'MARK';
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => {});
require('http').createServer((_, answer) => answer.end('up')).listen(8123, '127.0.0.1');
"""
_SNOOP = """
import glob, os, socket, sys
found = []
def look(what, make):
    try: found.append((what, make()))
    except Exception: pass
for path in glob.glob('/proc/[0-9]*/environ') + glob.glob('/proc/[0-9]*/cmdline'):
    look(path, lambda: open(path, 'rb').read().decode(errors='replace'))
places = ['/root', '/etc/shadow', '/run', '/var', '/home', '/sys', *sys.argv[2:]]
for place in places:
    look(place, lambda: open(place).read()[:4000] if os.path.isfile(place) else str(os.listdir(place)))
for start in sys.argv[2:]:
    for folder, _, names in os.walk(start):
        for name in names:
            look(folder, lambda: open(os.path.join(folder, name), errors='replace').read()[:4000])
for line in open('/proc/net/tcp').read().splitlines()[1:]:
    parts = line.split()
    if parts[3] != '0A': continue
    port = int(parts[1].split(':')[1], 16)
    def knock():
        with socket.create_connection(('127.0.0.1', port), 1) as line:
            line.settimeout(0.5)
            return line.recv(200).decode(errors='replace')
    look('port %d' % port, knock)
print('SNOOPED', found, flush=True)
"""


def _python(name: str, *arguments: str) -> str:
    words = ", ".join(f"'{word}'" for word in ("-c", f"@{name}", *arguments))
    text = f"fs.readFileSync(__dirname + '/{name}', 'utf8')"
    words = words.replace(f"'@{name}'", text)
    return f"spawn('/usr/bin/python3', [{words}, MARK], {{ stdio: 'inherit', detached: true }});"


HOSTILE = (
    HostileSuite("busy loop", _SPIN),
    HostileSuite(
        "ignores signals",
        _FOREVER,
        prelude="for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => {});",
        config="globalSetup: './ignore.js'",
        files={
            "ignore.js": "module.exports = async () => { for (const n of ['SIGINT', 'SIGTERM', 'SIGHUP']) "
            "{ process.removeAllListeners(n); process.on(n, () => {}); } };"
        },
    ),
    HostileSuite(
        "slow afterEach",
        _FOREVER,
        # Only of the one that is cut off: the other has to end before it.
        prelude="test.afterEach(async ({}, { title }) => { if (title === 'misbehaves') "
        "await new Promise(done => setTimeout(done, 60000)); });",
    ),
    HostileSuite("daemon", f"{_python('daemon.py')} {_FOREVER}", files={"daemon.py": _DAEMON}),
    HostileSuite(
        "fork bomb on its cancel",
        _FOREVER,
        config="globalSetup: './bomb.js'",
        files={
            "bomb.js": "module.exports = async () => { process.on('SIGINT', () => { "
            "require('child_process').spawn('/bin/sh', ['-c', 'b() { b | b & }; b; b # MARK'], "
            "{ detached: true, stdio: 'ignore' }); }); };"
        },
    ),
    HostileSuite(
        "server that ignores signals",
        _FOREVER,
        config="webServer: { command: 'node server.js MARK', url: 'http://127.0.0.1:8123' }",
        files={"server.js": _STUBBORN_SERVER},
    ),
    HostileSuite(
        "browser of its own",
        "const { chromium } = require('@playwright/test');"
        "spawn(chromium.executablePath(), ['--headless', '--no-sandbox', '--user-data-dir=/tmp/own', "
        "'--remote-debugging-port=0', 'about:blank#' + MARK], { detached: true, stdio: 'ignore' }).unref();"
        f"{_FOREVER}",
    ),
    HostileSuite("renamed", f"{_python('renamed.py')} {_FOREVER}", files={"renamed.py": _RENAMED}),
    HostileSuite(
        "fills the disk",
        "const file = fs.openSync('/tmp/full', 'w'); const own = fs.openSync('full', 'w');"
        "for (;;) { const mib = Buffer.alloc(1 << 20, 1); fs.writeSync(file, mib); fs.writeSync(own, mib);"
        "await new Promise(done => setTimeout(done, 40)); }",
    ),
    HostileSuite(
        "fills the memory",
        "const held = []; for (;;) { held.push(Buffer.alloc(4 << 20, 1));"
        "await new Promise(done => setTimeout(done, 40)); }",
    ),
    HostileSuite(
        "fills the log",
        "for (;;) { process.stdout.write('x'.repeat(99) + '\\n'); process.stderr.write('no more\\n');"
        "if (Math.random() < 0.01) await new Promise(done => setTimeout(done, 20)); }",
    ),
    HostileSuite(
        "kills by name",
        "for (;;) { for (const name of ['nats-server', 'bellrock', 'python', 'chromium', 'bwrap']) {"
        "try { execSync('pkill -9 -f ' + name, { stdio: 'ignore' }); } catch {} }"
        "await new Promise(done => setTimeout(done, 100)); }",
        has_page=False,
    ),
)

SNOOPER = HostileSuite(
    "looks around",
    "const out = execSync('/usr/bin/python3 snoop.py ' + MARK + ' ' + (process.env.PLACES || ''), "
    "{ cwd: __dirname, maxBuffer: 1 << 26 }); console.log(out.toString());"
    "console.log('ENVIRONMENT', JSON.stringify(process.env));",
    files={"snoop.py": _SNOOP},
    has_page=False,
)
