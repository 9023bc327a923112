"""What is a Playwright test, and how plain statements become one."""

import pytest

from bellrock.runner.executors.script.statements import as_test_file, is_test_file

FIXTURES = ("page", "context", "browser", "request")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("import { test } from '@playwright/test'; test('a', async () => {});", True),
        ("const { expect, test } = require('@playwright/test')", True),
        (
            "import { test as base } from './fixtures'; const mine = base.extend({}); mine('a', () => {});",
            True,
        ),
        ("const pw = require('./pw'); pw.test; test.describe('a', () => {});", True),
        ("const { chromium, expect } = require('@playwright/test'); await chromium.launch();", False),
        ("await page.goto('https://test.shop/test (1)');", False),
        ("if (/x/.test(name)) latest('x'); // test('a')", False),
        ("/* test('a', async () => {}) */ await page.title();", False),
    ],
)
def test_a_script_that_has_or_imports_test_is_a_test_file(script: str, expected: bool) -> None:
    assert is_test_file(script) is expected


@pytest.mark.parametrize(
    ("script", "wanted"),
    [
        ("await page.goto('x');", "page"),
        ("await page.goto('x'); await request.get('x');", "page, request"),
        ("const page = await (await chromium.launch()).newPage();", ""),
        ("import { request } from 'playwright'; await request.newContext();", ""),
        ("async function run(page) { await page.title(); }", ""),
        ("await homepage.page(1); // page", ""),
    ],
)
def test_statements_get_the_fixtures_they_name_and_do_not_make(script: str, wanted: str) -> None:
    assert f"async ({{ {wanted} }}) =>" in as_test_file(script, "t", FIXTURES)


def test_statements_keep_their_line_numbers_and_imports_go_first() -> None:
    script = "import {\n  a,\n} from 'x';\nimport 'y';\nawait a();\n// import { z } from 'z'"
    lines = as_test_file(script, 'say "hi"', FIXTURES).splitlines()
    assert lines[0].index("import { a, } from 'x';") < lines[0].index("__bellrockTest(")
    assert "import 'y';" in lines[0]
    assert '"say \\"hi\\""' in lines[0]
    assert lines[4] == "await a();"
