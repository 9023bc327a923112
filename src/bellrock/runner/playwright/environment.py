"""What a suite, and an install, finds in its environment: nothing of the runner's own."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from bellrock.domain.checks import EnvironmentVariable
from bellrock.resources import live_reporter, pytest_plugins
from bellrock.runner.playwright.folders import RunFolders

_AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")

# The check's variables may not move these: the run would be blind, or escape its folders.
_OURS = frozenset(
    {
        "PLAYWRIGHT_BROWSERS_PATH",
        "PW_TEST_REPORTER",
        "BELLROCK_EVENTS",
        "BELLROCK_BLOB",
        "BELLROCK_REPORTS",
        "BELLROCK_OUTPUT",
        "BELLROCK_TAGS",
    }
)


def base_environment(folders: RunFolders, *, search_path: str) -> dict[str, str]:
    """What every process of a run has."""
    return {
        "PATH": search_path,
        "HOME": str(folders.home),
        "TMPDIR": str(folders.temporary),
        "LANG": "C.UTF-8",
        "TZ": "UTC",
    }


def install_environment(
    folders: RunFolders,
    variables: Iterable[EnvironmentVariable],
    *,
    search_path: str,
    extra: Mapping[str, str],
) -> dict[str, str]:
    """For an install: the check's variables too, since private registries are reached by them."""
    return {
        **base_environment(folders, search_path=search_path),
        **extra,
        **_own_variables(variables),
        "CI": "1",
        "npm_config_cache": str(folders.home / ".npm"),
        "npm_config_update_notifier": "false",
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1",
        "PUPPETEER_SKIP_DOWNLOAD": "1",
        # An interpreter of the machine is used, so that the environment works where it is mounted. What is
        # mounted cannot be written to, so Python's own caches are made now.
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_COMPILE_BYTECODE": "1",
        "UV_NO_PROGRESS": "1",
        # The machine's own authorities, where it has any; uv brings others.
        **({"UV_SYSTEM_CERTS": "1"} if _AUTHORITIES.exists() else {}),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def suite_environment(
    folders: RunFolders,
    variables: Iterable[EnvironmentVariable],
    context: Mapping[str, str],
    *,
    search_path: str,
    browsers: Path,
) -> dict[str, str]:
    """For the suite: the contract's variables, the check's, and where its browsers are."""
    return {
        **base_environment(folders, search_path=search_path),
        **context,
        **_own_variables(variables),
        "PLAYWRIGHT_BROWSERS_PATH": str(browsers),
        "PLAYWRIGHT_SKIP_BROWSER_GC": "1",
        "BELLROCK_EVENTS": str(folders.events),
    }


def playwright_test_environment(folders: RunFolders) -> dict[str, str]:
    """What Playwright Test is told by."""
    return {
        "PLAYWRIGHT_HTML_OPEN": "never",
        "PW_TEST_HTML_REPORT_OPEN": "never",
        "PWTEST_CACHE_DIR": str(folders.transform_cache),
        "PW_TEST_REPORTER": str(live_reporter() / "reporter.cjs"),
        "BELLROCK_BLOB": str(folders.blob),
        "BELLROCK_REPORTS": str(folders.reports),
    }


def pytest_environment(
    folders: RunFolders, variables: Iterable[EnvironmentVariable], *, tags: Iterable[str], source_path: str
) -> dict[str, str]:
    """What pytest is told by.

    :param tags: markers, one of which a test must have to be run; all run if there are none.
    :param source_path: folders of the suite's own modules, as in PYTHONPATH, or nothing.
    """
    own = _own_variables(variables)
    return {
        "PYTEST_PLUGINS": _joined(",", "bellrock_pytest", own.get("PYTEST_PLUGINS")),
        "PYTHONPATH": _joined(":", str(pytest_plugins()), source_path, own.get("PYTHONPATH")),
        "PYTHONUNBUFFERED": "1",
        "BELLROCK_OUTPUT": str(folders.output),
        "BELLROCK_TAGS": json.dumps(sorted(tags)),
    }


def merge_environment(folders: RunFolders, reports: Path, *, search_path: str) -> dict[str, str]:
    """For `merge-reports`: none of the check's variables, since no code of the suite runs."""
    return {
        **base_environment(folders, search_path=search_path),
        "CI": "1",
        "PLAYWRIGHT_HTML_OPEN": "never",
        "PW_TEST_HTML_REPORT_OPEN": "never",
        "PLAYWRIGHT_HTML_OUTPUT_DIR": str(reports / "html"),
        "PLAYWRIGHT_HTML_REPORT": str(reports / "html"),
        "PLAYWRIGHT_JSON_OUTPUT_NAME": str(reports / "report.json"),
    }


def _joined(separator: str, *parts: str | None) -> str:
    return separator.join(filter(None, parts))


def _own_variables(variables: Iterable[EnvironmentVariable]) -> dict[str, str]:
    return {one.key: one.value for one in variables if one.key not in _OURS}
