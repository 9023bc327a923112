"""A check as the contract says it: what is read back is what can be written."""

from collections.abc import Iterable
from typing import Any

from bellrock.domain.checks import Check, CheckPolicy, EnvironmentVariable, Subscription
from bellrock.domain.retries import Backoff, RetryPolicy
from bellrock.domain.specs import (
    ApiCheck,
    Assertion,
    BrowserCheck,
    DnsMonitor,
    Heartbeat,
    HttpRequest,
    IcmpMonitor,
    KeptCheck,
    KeyValue,
    MultistepCheck,
    PlaywrightSuite,
    Severity,
    Spec,
    SslMonitor,
    TcpMonitor,
    UrlMonitor,
)
from bellrock.services.check_payload.dependencies import dependencies_said

_NUMBERS = frozenset({"minKeySizeBits", "recommendedKeySizeBits"})


def payload_of(check: Check) -> dict[str, Any]:
    """The check as a payload. The values of secret variables are empty: saying so again keeps them."""
    return {
        "checkType": str(check.type),
        "name": check.name,
        "activated": check.activated,
        "muted": check.muted,
        "locations": list(check.locations),
        "privateLocations": list(check.private_locations),
        "tags": list(check.tags),
        "frequency": check.frequency_min,
        "frequencyOffset": check.frequency_offset_s,
        "runParallel": check.run_parallel,
        "description": check.description,
        "groupId": check.group_id,
        "groupOrder": check.group_order,
        "environmentVariables": [variable_said(each) for each in check.environment],
        **_policy(check.policy),
        **_spec(check.spec),
    }


def _policy(policy: CheckPolicy) -> dict[str, Any]:
    return {
        "doubleCheck": policy.double_check,
        "retryStrategy": None if policy.retry is None or policy.double_check else retry_said(policy.retry),
        "runtimeId": policy.runtime_id,
        "useGlobalAlertSettings": policy.use_global_alert_settings,
        "alertSettings": policy.alert_settings,
        "alertChannelSubscriptions": subscriptions_said(policy.subscriptions),
        "triggerIncident": policy.trigger_incident,
        "intent": policy.intent,
        "aiAutoRepairEnabled": policy.ai_auto_repair_enabled,
    }


def retry_said(retry: RetryPolicy) -> dict[str, Any]:
    """A retry policy as the contract says it. A single retry has no budget."""
    said: dict[str, Any] = {
        "type": str(retry.backoff),
        "baseBackoffSeconds": retry.base_backoff_s,
        "sameRegion": retry.same_region,
    }
    if retry.backoff is not Backoff.SINGLE_RETRY:
        said |= {"maxRetries": retry.max_retries, "maxDurationSeconds": retry.max_duration_s}
    if retry.only_on_network_error:
        said["onlyOn"] = ["NETWORK_ERROR"]
    return said


def _spec(spec: Spec) -> dict[str, Any]:
    match spec:
        case PlaywrightSuite():
            return _suite(spec)
        case UrlMonitor():
            return {"request": _url_request(spec.request), **_times(spec), "shouldFail": spec.should_fail}
        case ApiCheck():
            return _api(spec)
        case TcpMonitor() | DnsMonitor() | SslMonitor():
            return {"request": _request(spec), **_times(spec), "shouldFail": spec.should_fail}
        case IcmpMonitor():
            return _icmp(spec)
        case Heartbeat():
            return {"heartbeat": _heartbeat(spec)}
        case BrowserCheck() | MultistepCheck():
            return _script(spec)
        case KeptCheck():
            return dict(spec.said)


def _times(spec: UrlMonitor | ApiCheck | TcpMonitor | DnsMonitor | SslMonitor) -> dict[str, Any]:
    return {
        "degradedResponseTime": spec.degraded_response_time_ms,
        "maxResponseTime": spec.max_response_time_ms,
    }


def _suite(suite: PlaywrightSuite) -> dict[str, Any]:
    return {
        "codeBundlePath": suite.bundle_key,
        "testCommand": suite.test_command,
        "installCommand": suite.install_command,
        "workingDir": None if suite.working_dir == "." else suite.working_dir,
        "browsers": list(suite.browsers),
        "playwrightVersion": suite.playwright_version,
        "cacheHash": suite.cache_hash,
        "engine": suite.engine,
        "engineVersion": suite.engine_version,
        "pwProjects": list(suite.pw_projects),
        "pwTags": list(suite.pw_tags),
    }


def _url_request(request: HttpRequest) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.url,
        "followRedirects": request.follow_redirects,
        "skipSSL": request.skip_ssl,
        "ipFamily": str(request.ip_family),
        "assertions": assertions_said(request.assertions),
    }


def _api(check: ApiCheck) -> dict[str, Any]:
    request = check.request
    auth = request.basic_auth
    return {
        "request": {
            **_url_request(request),
            "headers": [pair_said(each) for each in request.headers],
            "queryParameters": [pair_said(each) for each in request.query],
            "body": request.body,
            "bodyType": str(request.body_type),
            "basicAuth": {"username": auth.username, "password": auth.password} if auth else None,
        },
        "localSetupScript": check.setup_script or None,
        "localTearDownScript": check.teardown_script or None,
        **_script_files(check),
        "setupSnippetId": check.setup_snippet_id,
        "tearDownSnippetId": check.teardown_snippet_id,
        **_times(check),
        "shouldFail": check.should_fail,
    }


def _script_files(check: ApiCheck) -> dict[str, Any]:
    """Of a check whose scripts are files: of others the contract does not say that they have none."""
    said = {
        "setupScriptPath": check.setup_script_path,
        "setupScriptDependencies": dependencies_said(check.setup_dependencies),
        "tearDownScriptPath": check.teardown_script_path,
        "tearDownScriptDependencies": dependencies_said(check.teardown_dependencies),
    }
    return {name: value for name, value in said.items() if value}


def _request(spec: TcpMonitor | DnsMonitor | SslMonitor) -> dict[str, Any]:
    match spec:
        case TcpMonitor():
            return {
                "hostname": spec.hostname,
                "port": spec.port,
                "data": spec.data or None,
                "ipFamily": str(spec.ip_family),
                "assertions": assertions_said(spec.assertions),
            }
        case DnsMonitor():
            return {
                "query": spec.query,
                "recordType": spec.record_type,
                "nameServer": spec.name_server,
                "port": spec.port,
                "protocol": spec.protocol,
                "assertions": assertions_said(spec.assertions),
            }
        case SslMonitor():
            return {
                "sslConfig": _ssl_config(spec),
                "sslClientCertificateId": spec.client_certificate_id,
                "assertions": assertions_said(spec.assertions),
            }


def _ssl_config(spec: SslMonitor) -> dict[str, Any]:
    rules = {each.name: _rule(each.name, each.severity, each.value) for each in spec.baseline}
    return {
        "hostname": spec.hostname,
        "port": spec.port,
        "serverName": spec.server_name,
        "ipFamily": str(spec.ip_family),
        "skipChainValidation": spec.skip_chain_validation,
        "handshakeTimeoutMs": spec.handshake_timeout_ms,
        "alertDaysBeforeExpiry": spec.alert_days_before_expiry,
        "securityBaseline": {"enabled": bool(spec.baseline), **rules},
        "clientCertificateMode": spec.client_certificate_mode,
    }


def _rule(name: str, severity: Severity, value: str | None) -> dict[str, Any]:
    said: dict[str, Any] = {"severity": str(severity)}
    if value is not None:
        said["value"] = int(value) if name in _NUMBERS else value
    return said


def _icmp(spec: IcmpMonitor) -> dict[str, Any]:
    return {
        "request": {
            "hostname": spec.hostname,
            "ipFamily": str(spec.ip_family),
            "pingCount": spec.ping_count,
            "assertions": assertions_said(spec.assertions),
        },
        "degradedPacketLossThreshold": spec.degraded_packet_loss_percent,
        "maxPacketLossThreshold": spec.max_packet_loss_percent,
        "shouldFail": spec.should_fail,
    }


def _heartbeat(spec: Heartbeat) -> dict[str, Any]:
    return {
        "period": spec.period,
        "periodUnit": spec.period_unit,
        "grace": spec.grace,
        "graceUnit": spec.grace_unit,
        "pingToken": spec.ping_token or None,
    }


def _script(spec: BrowserCheck | MultistepCheck) -> dict[str, Any]:
    said = {
        "script": spec.script,
        "scriptPath": spec.script_path,
        "dependencies": dependencies_said(spec.dependencies),
        "shouldFail": spec.should_fail,
    }
    if isinstance(spec, BrowserCheck):
        return {**said, "sslCheckDomain": spec.ssl_check_domain, **_snapshots(spec)}
    return said


def _snapshots(check: BrowserCheck) -> dict[str, Any]:
    """Of a check that has some: the contract's own documents do not know them."""
    said = [{"key": each.key, "path": each.path} for each in check.snapshots]
    return {"snapshots": said} if said else {}


def assertions_said(assertions: tuple[Assertion, ...]) -> list[dict[str, Any]]:
    """What is asserted of a response."""
    return [
        {
            "source": each.source,
            "comparison": each.comparison,
            "property": each.property,
            "target": each.target,
            "regex": each.regex,
        }
        for each in assertions
    ]


def pair_said(pair: KeyValue) -> dict[str, Any]:
    """A header or a query parameter."""
    return {"key": pair.key, "value": pair.value, "locked": pair.locked}


def subscriptions_said(subscriptions: Iterable[Subscription]) -> list[dict[str, Any]]:
    """Which alert channels hear of a check or a group."""
    return [{"alertChannelId": each.alert_channel_id, "activated": each.activated} for each in subscriptions]


def variable_said(variable: EnvironmentVariable) -> dict[str, Any]:
    """A variable; the value of a secret one is never said."""
    return {
        "key": variable.key,
        "value": "" if variable.secret else variable.value,
        "locked": variable.locked,
        "secret": variable.secret,
    }
