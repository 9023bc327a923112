"""Scripts that are no Playwright test but plain statements, and how they become one.

    const { chromium } = require('playwright');
    const browser = await chromium.launch();

or just `await page.goto('https://shop.test')`. The statements become the body of one test. Lines keep their
numbers, so that errors name the script's own.
"""

import json
import re
from collections.abc import Iterable

_TEST_CALL = re.compile(r"(?<![\w.$])test(?:\s*\.\s*\w+)*\s*\(")
_TEST_IMPORTED = re.compile(r"\{[^{}]*(?<![\w$])test(?![\w$])[^{}]*\}\s*(?:from\b|=\s*require\b)")
# Templates are matched so that nothing is looked for inside of them, and stay: they hold code.
_TEXT = re.compile(
    r"""(?P<template>`(?:\\.|[^`\\])*`)|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/""",
    re.DOTALL,
)
_IMPORT = re.compile(r"^[ \t]*import\s+(?:[\w$*{}\s,]+?\s+from\s+)?['\"][^'\"\n]+['\"][ \t]*;?", re.MULTILINE)
_DECLARED = r"(?<![\w$.])(?:const|let|var|function|class|import)\b[^;=\n]*(?<![\w$]){name}(?![\w$])"
_SETTLED = "__bellrockSettled"


def is_test_file(script: str) -> bool:
    """Whether a script has tests of its own: it imports `test`, or calls it."""
    code = _code_of(script)
    return bool(_TEST_IMPORTED.search(code) or _TEST_CALL.search(code))


def as_test_file(script: str, title: str, fixtures: Iterable[str]) -> str:
    """Plain statements as one test.

    :param fixtures: what Playwright offers to such a script (`page`); of these it gets what it names and
        does not make by itself.
    """
    code = _code_of(script)
    wanted = ", ".join(name for name in fixtures if _is_named(code, name))
    # Imports may not stand in a function: they go before it, and leave their lines empty.
    imports = " ".join(" ".join(found.split()) + ";" for found in _IMPORT.findall(script))
    body = _IMPORT.sub(lambda found: "\n" * found[0].count("\n"), script)
    return (
        "import { test as __bellrockTest } from '@playwright/test'; "
        f"{imports} __bellrockTest({json.dumps(title)}, async ({{ {wanted} }}) => {{ "
        f"const {_SETTLED} = globalThis[Symbol.for('bellrock.statements')](); await (async () => {{ {body}\n"
        f"}})(); await {_SETTLED}(); }});\n"
    )


def _code_of(script: str) -> str:
    """The script without what is said in strings and comments."""
    return _TEXT.sub(lambda found: found["template"] or "''", script)


def _is_named(code: str, name: str) -> bool:
    if re.search(_DECLARED.format(name=name), code):
        return False
    return re.search(rf"(?<![\w$.]){name}(?![\w$])", code) is not None
