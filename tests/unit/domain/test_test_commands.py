"""Which program a test command starts, and what is left to it."""

import pytest

from bellrock.domain.test_commands import Program, parse_command


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("npx playwright test", ()),
        ("npx --yes playwright test a.spec.ts -g 'it works'", ("a.spec.ts", "-g", "it works")),
        ("pnpm exec playwright test --project=a", ("--project=a",)),
        ("./node_modules/.bin/playwright test", ()),
        ("playwright test -- --trace", ("--", "--trace")),
    ],
)
def test_playwright_is_started_directly_whatever_stands_before_it(
    text: str, arguments: tuple[str, ...]
) -> None:
    command = parse_command(text)
    assert (command.program, command.arguments) == (Program.PLAYWRIGHT, arguments)


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ("pytest", ()),
        ("pytest tests -k 'cart and not slow'", ("tests", "-k", "cart and not slow")),
        ("python -m pytest -n 2", ("-n", "2")),
        ("python3 -m pytest", ()),
        (".venv/bin/pytest tests", ("tests",)),
        (".venv/bin/python -m pytest", ()),
        ("uv run pytest", ()),
        ("uv run --frozen -- pytest -x", ("-x",)),
        ("poetry run python -m pytest", ()),
    ],
)
def test_pytest_is_started_directly_whatever_stands_before_it(text: str, arguments: tuple[str, ...]) -> None:
    command = parse_command(text)
    assert (command.program, command.arguments) == (Program.PYTEST, arguments)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "npm test",
        "npx playwright install && npx playwright test",
        "SHOP=1 npx playwright test",
        "npx playwright test | tee log",
        'npx playwright test -g "$NAME"',
        "npx playwright test 'open",
        "npx playwright show-report",
        "python -m unittest",
        "python tests.py",
        "uv run --with pytest-html pytest",
        "cd e2e && pytest",
        "other/bin/pytest",
    ],
)
def test_anything_else_is_for_the_shell(text: str) -> None:
    command = parse_command(text)
    assert (command.program, command.is_plain, command.text) == (None, False, text)


@pytest.mark.parametrize(
    ("text", "kept", "left_out"),
    [
        (
            "npx playwright test --headed --trace off --output=mine a.spec.ts",
            ("a.spec.ts",),
            ("--headed", "--trace", "off", "--output=mine"),
        ),
        ("pytest --tracing off --headed --pdb -q", ("-q",), ("--tracing", "off", "--headed", "--pdb")),
    ],
)
def test_options_that_are_the_runners_are_left_out(
    text: str, kept: tuple[str, ...], left_out: tuple[str, ...]
) -> None:
    command = parse_command(text)
    assert (command.arguments, command.left_out) == (kept, left_out)
