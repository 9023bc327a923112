"""A suite that waits where it is told to: Playwright's command line played by a few lines of Node.

It speaks the live reporter's file and takes SIGINT as Playwright does, so that every stage of a run is
passed through as with the real one, in milliseconds. Nothing is fetched: its packages are made by its
own install command.
"""

import io
import json
import tarfile
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from uuid import uuid4

from tests.system.dev_server import ShellSuite

GO = "go"
"""Made in the suite's folder, this file lets whatever waits there go on."""
REACHED = "reached"
"""This file appears in the suite's folder once something waits there."""


class Waits(StrEnum):
    """Where a suite waits for ever, or until it is let go."""

    NOWHERE = "nowhere"
    INSTALLING = "installing"
    STARTING = "starting"
    TESTING = "testing"
    STUBBORN = "stubborn"  # in a test, and SIGINT does not move it
    MERGING = "merging"


_INSTALL = f"""\
if [ "$1" = {Waits.INSTALLING} ]; then
    (setsid sh -c 'while :; do sleep 0.2; done' "$2" >/dev/null 2>&1 &)
    : > {REACHED}
    while [ ! -e {GO} ]; do sleep 0.05; done
fi
mkdir -p node_modules/@playwright/test
echo "require(require('path').join(process.cwd(), 'suite.js'));" > node_modules/@playwright/test/cli.js
"""

_SUITE = """\
const fs = require('fs');
const { spawn } = require('child_process');
const WAITS = '%(waits)s', MARKER = '%(marker)s';
const write = (file, line) => fs.appendFileSync(file, JSON.stringify(line) + '\\n');
const say = (type, fields) => write(process.env.BELLROCK_EVENTS, { type, ...fields });
const wait = then => {
  fs.writeFileSync('%(reached)s', '');
  const look = setInterval(() => fs.existsSync('%(go)s') && (clearInterval(look), then()), 50);
};
const end = (status, code) => {
  say('testEnd', { id: 't', retry: 0, status, outcome: code ? 'unexpected' : 'expected', ms: 1 });
  say('end', { status, ms: 1 });
  if (WAITS !== 'merging') say('reports', { written: ['json', 'html'] });
  process.exit(code);
};
const test = () => {
  say('testBegin', { id: 't', retry: 0 });
  if (WAITS === 'testing' || WAITS === 'stubborn') wait(() => end('passed', 0));
  else end('passed', 0);
};
if (process.argv[2] === 'merge-reports') {
  wait(() => process.exit(0));
} else {
  spawn('sh', ['-c', 'while :; do sleep 0.2; done', MARKER], { detached: true, stdio: 'ignore' }).unref();
  process.on('SIGINT', () => WAITS === 'stubborn' || end('interrupted', 130));
  say('begin', { version: '1.0', workers: 1, tests: [{ id: 't', title: ['waits'] }] });
  write(process.env.BELLROCK_BLOB, { method: 'onConfigure', params: {} });
  if (WAITS === 'starting') wait(test);
  else test();
}
"""


def waiting_suite(waits: Waits, more_files: Mapping[str, bytes] | None = None) -> ShellSuite:
    """A suite that waits there. Its marker is in the command line of its processes."""
    marker = f"suite-{uuid4().hex}"
    words = {"waits": str(waits), "marker": marker, "reached": REACHED, "go": GO}
    files = {
        "package.json": json.dumps({"devDependencies": {"@playwright/test": "1"}}),
        "package-lock.json": "{}",
        "playwright.config.js": "module.exports = {};",
        "install.sh": _INSTALL,
        "suite.js": _SUITE % words,
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in {
            **{n: text.encode() for n, text in files.items()},
            **(more_files or {}),
        }.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return ShellSuite(marker, packed.getvalue())


def check_of(waits: Waits, suite: ShellSuite) -> dict[str, object]:
    """What the suite's check says besides its bundle. An install that waits is nobody else's."""
    install = "sh install.sh"
    if waits is Waits.INSTALLING:
        install += f" {waits} {suite.marker}"
    return {"testCommand": f"npx playwright test --grep-invert {suite.marker}", "installCommand": install}


def reached(place: Path) -> bool:
    """Whether something waits in a suite's folder."""
    return (place / REACHED).exists()
