"""Turns a project into what the public API takes: deploy resources, and jobs of an undeployed run."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bellrock.project.checks import (
    AnyCheck,
    ApiCheck,
    Assertion,
    BrowserCheck,
    DnsCheck,
    HeartbeatCheck,
    IcmpCheck,
    Monitor,
    MultistepCheck,
    PlaywrightCheck,
    Retry,
    SslCheck,
    StatusCode,
    TcpCheck,
    UrlCheck,
)
from bellrock.project.errors import ProjectError
from bellrock.project.packing import PackedSuite
from bellrock.project.parts import Environment, Variable

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class UploadedSuite:
    """A packed suite and the key under which the server has it."""

    key: str
    packed: PackedSuite


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a check's payload takes from outside: the project's folder, and this machine's variables."""

    folder: Path
    environ: Mapping[str, str]


def check_payload(
    logical_id: str, check: AnyCheck, *, suite: UploadedSuite | None, around: Surroundings
) -> Json:
    """A check as the API takes it.

    Args:
        logical_id: names the check in errors, and on pages where it has no name.
        check: with the project's defaults applied.
        suite: the uploaded bundle of a Playwright check.
        around: where scripts and `from_env` variables come from.

    Raises:
        ProjectError: a `from_env` variable is not set, a script cannot be read.
    """
    owner = f"checks.{logical_id}"
    payload: Json = {
        "name": check.name or logical_id,
        "activated": check.activated,
        "muted": check.muted,
        "tags": list(check.tags),
        "locations": list(check.locations),
        "runParallel": check.run_parallel,
        "description": check.description,
    }
    if isinstance(check, Monitor):
        payload |= _monitor_fields(check)
    else:
        payload["frequency"] = check.frequency
    if isinstance(check, PlaywrightCheck | BrowserCheck | MultistepCheck):
        variables = resolve_environment(check.environment, around.environ, owner=owner)
        payload["environmentVariables"] = variables
    payload |= _fields(check, suite, around.folder, owner=owner)
    return {name: value for name, value in payload.items() if value is not None or name == "retryStrategy"}


def _fields(check: AnyCheck, suite: UploadedSuite | None, folder: Path, *, owner: str) -> Json:
    match check:
        case PlaywrightCheck():
            if suite is None:
                raise ProjectError(f"{owner}: its suite was not packed.")
            return _playwright_fields(check, suite)
        case BrowserCheck() | MultistepCheck():
            return _script_fields(check, folder, owner=owner)
        case ApiCheck():
            return _api_fields(check, folder, owner=owner)
        case HeartbeatCheck():
            return _heartbeat_fields(check)
    return _probe_fields(check)


def _probe_fields(check: UrlCheck | TcpCheck | DnsCheck | IcmpCheck | SslCheck) -> Json:
    match check:
        case UrlCheck():
            return _times(check) | {"checkType": "URL", "request": _url_request(check)}
        case TcpCheck():
            return _tcp_fields(check)
        case DnsCheck():
            return _dns_fields(check)
        case IcmpCheck():
            return _icmp_fields(check)
        case SslCheck():
            return _ssl_fields(check)


def _monitor_fields(check: Monitor) -> Json:
    every = check.frequency
    in_seconds = int(every.removesuffix("s")) if isinstance(every, str) else None
    return {
        "frequency": 0 if in_seconds else every,
        "frequencyOffset": in_seconds,
        "shouldFail": check.should_fail,
        "retryStrategy": _retry(check.retry) if check.retry else None,
        "doubleCheck": False,
    }


def _retry(retry: Retry) -> Json:
    said: Json = {
        "type": {"single": "SINGLE_RETRY"}.get(retry.type, retry.type.upper()),
        "baseBackoffSeconds": retry.wait_s,
        "sameRegion": retry.same_location,
    }
    if retry.type != "single":
        said |= {"maxRetries": retry.most, "maxDurationSeconds": retry.within_s}
    if retry.only_network_errors:
        said["onlyOn"] = ["NETWORK_ERROR"]
    return said


def _times(check: UrlCheck | ApiCheck | TcpCheck | DnsCheck | SslCheck) -> Json:
    return {
        "degradedResponseTime": check.degraded_response_time_ms,
        "maxResponseTime": check.max_response_time_ms,
    }


def _url_request(check: UrlCheck | ApiCheck) -> Json:
    return {
        "method": check.method if isinstance(check, ApiCheck) else "GET",
        "url": check.url,
        "followRedirects": check.follow_redirects,
        "skipSSL": check.skip_ssl,
        "ipFamily": check.ip_family,
        "assertions": _assertions(check.assertions),
    }


def _api_fields(check: ApiCheck, folder: Path, *, owner: str) -> Json:
    auth = check.basic_auth
    request = _url_request(check) | {
        "headers": _pairs(check.headers),
        "queryParameters": _pairs(check.query),
        "body": check.body,
        "bodyType": check.body_type,
        "basicAuth": {"username": auth.username, "password": auth.password} if auth else None,
    }
    return _times(check) | {
        "checkType": "API",
        "request": request,
        "localSetupScript": _script(folder, check.setup, owner=f"{owner}.setup"),
        "localTearDownScript": _script(folder, check.teardown, owner=f"{owner}.teardown"),
    }


def _tcp_fields(check: TcpCheck) -> Json:
    request: Json = {
        "hostname": check.hostname,
        "port": check.port,
        "data": check.data or None,
        "ipFamily": check.ip_family,
        "assertions": _assertions(check.assertions),
    }
    return _times(check) | {"checkType": "TCP", "request": request}


def _dns_fields(check: DnsCheck) -> Json:
    request: Json = {
        "query": check.query,
        "recordType": check.record_type,
        "port": check.port,
        "protocol": check.protocol,
        "assertions": _assertions(check.assertions),
    }
    if check.name_server is not None:
        request["nameServer"] = check.name_server
    return _times(check) | {"checkType": "DNS", "request": request}


def _icmp_fields(check: IcmpCheck) -> Json:
    return {
        "checkType": "ICMP",
        "request": {
            "hostname": check.hostname,
            "ipFamily": check.ip_family,
            "pingCount": check.ping_count,
            "assertions": _assertions(check.assertions),
        },
        "degradedPacketLossThreshold": check.degraded_packet_loss_percent,
        "maxPacketLossThreshold": check.max_packet_loss_percent,
    }


def _ssl_fields(check: SslCheck) -> Json:
    config: Json = {
        "hostname": check.hostname,
        "port": check.port,
        "serverName": check.server_name,
        "ipFamily": check.ip_family,
        "skipChainValidation": check.skip_chain_validation,
        "handshakeTimeoutMs": check.handshake_timeout_ms,
        "alertDaysBeforeExpiry": check.alert_days_before_expiry,
    }
    request: Json = {"sslConfig": config, "assertions": _assertions(check.assertions)}
    return _times(check) | {"checkType": "SSL", "request": request}


def _heartbeat_fields(check: HeartbeatCheck) -> Json:
    return {
        "checkType": "HEARTBEAT",
        "heartbeat": {
            "period": check.period,
            "periodUnit": check.period_unit,
            "grace": check.grace,
            "graceUnit": check.grace_unit,
        },
    }


def _script_fields(check: BrowserCheck | MultistepCheck, folder: Path, *, owner: str) -> Json:
    base = PurePosixPath(check.script).parent
    dependencies = []
    for path in check.dependencies:
        inner = PurePosixPath(path)
        if not inner.is_relative_to(base):
            raise ProjectError(f"{owner}.dependencies: {path} does not lie beside {check.script}.")
        content = _script(folder, path, owner=f"{owner}.dependencies")
        dependencies.append({"path": str(inner.relative_to(base)), "content": content})
    return {
        "checkType": "BROWSER" if isinstance(check, BrowserCheck) else "MULTI_STEP",
        "script": _script(folder, check.script, owner=f"{owner}.script"),
        "scriptPath": check.script,
        "dependencies": dependencies,
    }


def _script(folder: Path, path: str | None, *, owner: str) -> str | None:
    if path is None:
        return None
    try:
        return (folder / path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ProjectError(f"{owner}: {path} cannot be read: {reason}.") from error


def _assertions(assertions: Sequence[Assertion | StatusCode]) -> list[Json]:
    return [
        {
            "source": each.source if isinstance(each, Assertion) else "STATUS_CODE",
            "comparison": each.comparison,
            "property": each.property if isinstance(each, Assertion) else "",
            "target": str(each.target),
            "regex": each.regex if isinstance(each, Assertion) else None,
        }
        for each in assertions
    ]


def _pairs(values: Mapping[str, str]) -> list[Json]:
    return [{"key": key, "value": value, "locked": False} for key, value in values.items()]


def _playwright_fields(check: PlaywrightCheck, suite: UploadedSuite) -> Json:
    return {
        "checkType": "PLAYWRIGHT",
        "codeBundlePath": suite.key,
        "cacheHash": suite.packed.cache_hash,
        "testCommand": playwright_command(check, suite.packed.config),
        "installCommand": check.install_command,
        "browsers": ["chromium"],
        "workingDir": ".",
        "playwrightVersion": suite.packed.playwright_version,
    }


def playwright_command(check: PlaywrightCheck, config: str | None, *, arguments: Sequence[str] = ()) -> str:
    """The whole command of a suite: arguments, config, projects and tags, quoted. ``config``: as packed."""
    if config is None:
        return _pytest_command(check, arguments)
    words = [*arguments, "--config", config]
    if check.projects:
        words += ["--project", *check.projects]
    if check.playwright_tags:
        words += ["--grep", "|".join(check.playwright_tags)]
    return f"{check.test_command} {shlex.join(words)}"


def _pytest_command(check: PlaywrightCheck, arguments: Sequence[str]) -> str:
    words = list(arguments)
    if check.playwright_tags:
        words += ["-m", " or ".join(tag.removeprefix("@") for tag in check.playwright_tags)]
    return f"{check.test_command} {shlex.join(words)}".rstrip()


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
