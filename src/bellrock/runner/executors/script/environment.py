"""What a script finds in its environment: the contract's variables, the check's, and what our kit is told."""

from pathlib import Path

from bellrock.domain.specs import BrowserCheck
from bellrock.runner.executors.script.details import RUNTIME_VERSION
from bellrock.runner.executors.script.retention import Retention
from bellrock.runner.playwright.environment import playwright_test_environment, suite_environment
from bellrock.runner.playwright.folders import RunFolders
from bellrock.wire.messages import JobSpec

USER_AGENT = "Checkly/1.0 (https://www.checklyhq.com)"
_AGENT_SUFFIX = "Checkly, https://www.checklyhq.com"


def browser_agent(version: int) -> str:
    """The user agent of a Chromium of this major version, with what tells our visits apart."""
    chrome = f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0"
    return f"{chrome} Safari/537.36 {_AGENT_SUFFIX}"


def script_environment(
    job: JobSpec,
    folders: RunFolders,
    script: Path,
    *,
    search_path: str,
    browsers: Path,
    videos: Path | None,
) -> dict[str, str]:
    """For the script's process. The check's own variables cannot move what is ours."""
    environment = suite_environment(
        folders, job.environment, _contract_variables(job), search_path=search_path, browsers=browsers
    )
    environment |= playwright_test_environment(folders)
    # Reports of killed runs are rebuilt from it: a script is killed by its cap alone, and nothing is kept.
    del environment["BELLROCK_BLOB"]
    return environment | {
        "BELLROCK_SCRIPT": str(script),
        "BELLROCK_FINDINGS": str(findings_file(folders)),
        "BELLROCK_SECRETS": str(secrets_file(folders)),
        "BELLROCK_RECORD": Retention.of(job.context.get("CHECKLY_RUN_SOURCE")).record,
        "BELLROCK_VIDEOS": str(videos) if videos else "",
        "BELLROCK_AGENT": "" if isinstance(job.spec, BrowserCheck) else USER_AGENT,
    }


def _contract_variables(job: JobSpec) -> dict[str, str]:
    check_id = {} if job.check_id is None else {"CHECK_ID": str(job.check_id)}
    return {
        **job.context,
        **check_id,
        "CHECKLY": "1",
        "ACCOUNT_ID": str(job.account_id),
        "CHECK_NAME": job.check_name,
        "CHECK_TYPE": str(job.spec.type),
        "CHECK_RUN_ID": str(job.attempt_id),
        "REGION": job.location,
        "RUNTIME_VERSION": RUNTIME_VERSION,
    }


def findings_file(folders: RunFolders) -> Path:
    """Where the script's worker puts its findings, beside the reporter's events."""
    return folders.events.with_name("findings.jsonl")


def secrets_file(folders: RunFolders) -> Path:
    """Where the script's worker writes down the secrets that the script comes to know."""
    return folders.events.with_name("secrets.jsonl")
