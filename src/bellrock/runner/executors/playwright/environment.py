"""What a suite, and an install, finds in its environment: nothing of the runner's own."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from bellrock.domain.checks import EnvironmentVariable
from bellrock.resources import live_reporter
from bellrock.runner.executors.playwright.folders import RunFolders

# The check's variables may not move these: the run would be blind, or escape its folders.
_OURS = frozenset(
    {
        "PLAYWRIGHT_BROWSERS_PATH",
        "PW_TEST_REPORTER",
        "BELLROCK_EVENTS",
        "BELLROCK_BLOB",
        "BELLROCK_REPORTS",
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
    }


def suite_environment(
    folders: RunFolders,
    variables: Iterable[EnvironmentVariable],
    context: Mapping[str, str],
    *,
    search_path: str,
    browsers: Path,
) -> dict[str, str]:
    """For the suite: the contract's variables, the check's, and what Playwright is told by."""
    return {
        **base_environment(folders, search_path=search_path),
        **context,
        **_own_variables(variables),
        "PLAYWRIGHT_BROWSERS_PATH": str(browsers),
        "PLAYWRIGHT_SKIP_BROWSER_GC": "1",
        "PLAYWRIGHT_HTML_OPEN": "never",
        "PW_TEST_HTML_REPORT_OPEN": "never",
        "PWTEST_CACHE_DIR": str(folders.transform_cache),
        "PW_TEST_REPORTER": str(live_reporter() / "reporter.cjs"),
        "BELLROCK_EVENTS": str(folders.events),
        "BELLROCK_BLOB": str(folders.blob),
        "BELLROCK_REPORTS": str(folders.reports),
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


def _own_variables(variables: Iterable[EnvironmentVariable]) -> dict[str, str]:
    return {one.key: one.value for one in variables if one.key not in _OURS}
