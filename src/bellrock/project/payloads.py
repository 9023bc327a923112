"""Turns a project into what the public API takes: deploy resources, and jobs of an undeployed run."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bellrock.project.errors import ProjectError
from bellrock.project.models import Environment, PlaywrightCheck, UrlCheck, Variable
from bellrock.project.packing import PackedSuite

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class UploadedSuite:
    """A packed suite and the key under which the server has it."""

    key: str
    packed: PackedSuite


def check_payload(
    logical_id: str,
    check: PlaywrightCheck | UrlCheck,
    *,
    suite: UploadedSuite | None,
    environ: Mapping[str, str],
) -> Json:
    """A check as the API takes it.

    Args:
        logical_id: names the check in errors, and on pages where it has no name.
        check: with the project's defaults applied.
        suite: the uploaded bundle of a Playwright check.
        environ: where `from_env` variables come from.

    Raises:
        ProjectError: a `from_env` variable is not set.
    """
    payload: Json = {
        "name": check.name or logical_id,
        "activated": check.activated,
        "muted": check.muted,
        "tags": list(check.tags),
        "locations": list(check.locations),
        "frequency": check.frequency,
        "runParallel": check.run_parallel,
    }
    if check.description is not None:
        payload["description"] = check.description
    if isinstance(check, UrlCheck):
        return payload | _url_fields(check)
    if suite is None:
        raise ProjectError(f"checks.{logical_id}: its suite was not packed.")
    variables = resolve_environment(check.environment, environ, owner=f"checks.{logical_id}")
    return payload | _playwright_fields(check, suite) | {"environmentVariables": variables}


def _url_fields(check: UrlCheck) -> Json:
    assertions = [
        {
            "source": "STATUS_CODE",
            "comparison": assertion.comparison,
            "property": "",
            "target": str(assertion.target),
            "regex": None,
        }
        for assertion in check.assertions
    ]
    return {
        "checkType": "URL",
        "shouldFail": check.should_fail,
        "degradedResponseTime": check.degraded_response_time_ms,
        "maxResponseTime": check.max_response_time_ms,
        "request": {
            "method": "GET",
            "url": check.url,
            "followRedirects": check.follow_redirects,
            "skipSSL": check.skip_ssl,
            "ipFamily": check.ip_family,
            "assertions": assertions,
        },
    }


def _playwright_fields(check: PlaywrightCheck, suite: UploadedSuite) -> Json:
    fields: Json = {
        "checkType": "PLAYWRIGHT",
        "codeBundlePath": suite.key,
        "cacheHash": suite.packed.cache_hash,
        "testCommand": playwright_command(check, suite.packed.config),
        "installCommand": check.install_command,
        "browsers": ["chromium"],
        "workingDir": ".",
    }
    if suite.packed.playwright_version is not None:
        fields["playwrightVersion"] = suite.packed.playwright_version
    return fields


def playwright_command(check: PlaywrightCheck, config: str, *, arguments: Sequence[str] = ()) -> str:
    """The whole command of a suite: Playwright's own arguments, config, projects and tags, quoted."""
    words = [*arguments, "--config", config]
    if check.projects:
        words += ["--project", *check.projects]
    if check.playwright_tags:
        words += ["--grep", "|".join(check.playwright_tags)]
    return f"{check.test_command} {shlex.join(words)}"


def resolve_environment(environment: Environment, environ: Mapping[str, str], *, owner: str) -> list[Json]:
    """The variables with their values. Raises ProjectError naming one that the machine does not have."""
    return [
        {
            "key": name,
            "value": _value(name, variable, environ, owner),
            "locked": variable.locked,
            "secret": variable.secret,
        }
        for name, variable in environment.items()
    ]


def _value(name: str, variable: Variable, environ: Mapping[str, str], owner: str) -> str:
    if variable.value is not None:
        return variable.value
    source = variable.from_env or name
    if source not in environ:
        raise ProjectError(f"{owner}.environment.{name}: the variable {source} is not set on this machine.")
    return environ[source]
