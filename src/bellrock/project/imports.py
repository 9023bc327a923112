"""Reads deployed checks back into a project: models for the project file, scripts for files beside it.

What a project file has no word for is left out, and said in a note.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pydantic import TypeAdapter

from bellrock.project.checks import AnyCheck, Check
from bellrock.project.errors import ProjectError

Body = Mapping[str, Any]

_CHECK: TypeAdapter[AnyCheck] = TypeAdapter(Check)
_NOT_OF_AN_ID = re.compile(r"[^a-z0-9]+")
_LONGEST_ID = 60
_TYPES = {"MULTI_STEP": "multistep"}
_UNITS_OF_TIMES = {
    "degradedResponseTime": "degraded_response_time_ms",
    "maxResponseTime": "max_response_time_ms",
    "degradedPacketLossThreshold": "degraded_packet_loss_percent",
    "maxPacketLossThreshold": "max_packet_loss_percent",
}
_REQUEST_FIELDS = {
    "url": "url",
    "method": "method",
    "followRedirects": "follow_redirects",
    "skipSSL": "skip_ssl",
    "ipFamily": "ip_family",
    "body": "body",
    "bodyType": "body_type",
    "basicAuth": "basic_auth",
    "hostname": "hostname",
    "port": "port",
    "data": "data",
    "query": "query",
    "recordType": "record_type",
    "nameServer": "name_server",
    "protocol": "protocol",
    "pingCount": "ping_count",
}
_SSL_FIELDS = {
    "hostname": "hostname",
    "port": "port",
    "serverName": "server_name",
    "ipFamily": "ip_family",
    "skipChainValidation": "skip_chain_validation",
    "handshakeTimeoutMs": "handshake_timeout_ms",
    "alertDaysBeforeExpiry": "alert_days_before_expiry",
}
_HAVE_NO_WORD = {
    "privateLocations": "its private locations",
    "groupId": "its group",
    "setupSnippetId": "its setup snippet",
    "tearDownSnippetId": "its teardown snippet",
    "alertChannelSubscriptions": "its alert channels",
    "triggerIncident": "what incident it opens",
    "sslCheckDomain": "the domain whose certificate it watches",
}


@dataclass(slots=True)
class Imported:
    """Checks by logical id, files by path relative to the project file, and what got lost on the way."""

    checks: dict[str, AnyCheck] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def import_checks(bodies: Sequence[Body]) -> Imported:
    """Read checks as the API returns them.

    Raises:
        ProjectError: a check is of a type that a project cannot have.
    """
    imported = Imported()
    for body in bodies:
        logical_id = _free_id(body, imported.checks)
        fields = dict(_fields(body, logical_id, imported))
        try:
            imported.checks[logical_id] = _CHECK.validate_python(fields)
        except ValueError as error:
            raise ProjectError(f"{body['name']!r} cannot be written into a project file: {error}") from error
        lost = [words for name, words in _HAVE_NO_WORD.items() if body.get(name)]
        if lost:
            imported.notes.append(f"{logical_id}: a project file cannot say {', '.join(lost)}.")
    return imported


def _free_id(body: Body, taken: Mapping[str, object]) -> str:
    """The logical id that the check was deployed with, else one made of its name."""
    wanted = str(body.get("logicalId") or "")
    wanted = wanted or _NOT_OF_AN_ID.sub("-", str(body["name"]).lower()).strip("-")[:_LONGEST_ID] or "check"
    free, number = wanted, 1
    while free in taken:
        number += 1
        free = f"{wanted}-{number}"
    return free


def _fields(body: Body, logical_id: str, imported: Imported) -> Iterator[tuple[str, object]]:
    kind = _TYPES.get(body["checkType"], str(body["checkType"]).lower())
    yield "type", kind
    yield "name", body["name"]
    for theirs, ours in (("description", "description"), ("runParallel", "run_parallel")):
        if body.get(theirs):
            yield ours, body[theirs]
    yield "activated", body.get("activated", True)
    yield "muted", body.get("muted", False)
    yield "tags", tuple(body.get("tags") or ())
    if kind != "heartbeat":
        yield "locations", tuple(body.get("locations") or ())
        yield from _schedule(body, kind)
    if kind not in ("heartbeat", "playwright"):
        yield "should_fail", bool(body.get("shouldFail"))
        yield from _retry(body)
    if kind in ("playwright", "browser", "multistep"):
        yield "environment", dict(_environment(body, logical_id, imported))
    match kind:
        case "playwright":
            yield from _suite(body, logical_id, imported)
        case "browser" | "multistep":
            yield from _script(body, logical_id, imported)
        case "heartbeat":
            beat = body["heartbeat"]
            yield from (("period", beat["period"]), ("period_unit", beat["periodUnit"]))
            yield from (("grace", beat["grace"]), ("grace_unit", beat["graceUnit"]))
        case _:
            yield from _request(body, kind, logical_id, imported)


def _schedule(body: Body, kind: str) -> Iterator[tuple[str, object]]:
    if body.get("frequency"):
        yield "frequency", body["frequency"]
    elif kind != "playwright" and body.get("frequencyOffset"):
        yield "frequency", f"{body['frequencyOffset']}s"


def _retry(body: Body) -> Iterator[tuple[str, object]]:
    said = body.get("retryStrategy")
    if said is None and body.get("doubleCheck"):
        yield "retry", {"wait_s": 0, "most": 1, "same_location": False}
    if said is None:
        return
    kind = str(said["type"])
    retry: dict[str, object] = {
        "type": "single" if kind == "SINGLE_RETRY" else kind.lower(),
        "wait_s": said["baseBackoffSeconds"],
        "same_location": said["sameRegion"],
        "only_network_errors": bool(said.get("onlyOn")),
    }
    if kind != "SINGLE_RETRY":
        retry |= {"most": said["maxRetries"], "within_s": said["maxDurationSeconds"]}
    yield "retry", retry


def _environment(body: Body, logical_id: str, imported: Imported) -> Iterator[tuple[str, object]]:
    for each in body.get("environmentVariables") or ():
        marks = {name: True for name in ("locked", "secret") if each.get(name)}
        if not each.get("secret"):
            yield each["key"], {"value": each["value"], **marks} if marks else each["value"]
            continue
        # Nobody gets to see it again: whoever deploys has to know it.
        imported.notes.append(f"{logical_id}: set {each['key']} where you deploy; its value is secret.")
        yield each["key"], {"from_env": each["key"], **marks}


def _suite(body: Body, logical_id: str, imported: Imported) -> Iterator[tuple[str, object]]:
    imported.notes.append(f"{logical_id}: the files of a suite are not read back; name its folder in 'root'.")
    yield "root", body.get("workingDir") or "."
    yield "install_command", body.get("installCommand") or ""
    yield "test_command", body["testCommand"]
    if body.get("pwProjects"):
        yield "projects", tuple(body["pwProjects"])
    if body.get("pwTags"):
        yield "playwright_tags", tuple(body["pwTags"])


def _script(body: Body, logical_id: str, imported: Imported) -> Iterator[tuple[str, object]]:
    path = _free_path(body.get("scriptPath") or f"checks/{logical_id}.spec.ts", logical_id, imported)
    imported.files[path] = body["script"]
    yield "script", path
    dependencies = []
    for each in body.get("dependencies") or ():
        beside = str(PurePosixPath(path).parent / each["path"])
        imported.files[beside] = each["content"]
        dependencies.append(beside)
    yield "dependencies", tuple(dependencies)


def _free_path(wanted: str, logical_id: str, imported: Imported) -> str:
    path = PurePosixPath(wanted)
    is_inside = not path.is_absolute() and ".." not in path.parts
    return wanted if is_inside and wanted not in imported.files else f"checks/{logical_id}/{path.name}"


def _request(body: Body, kind: str, logical_id: str, imported: Imported) -> Iterator[tuple[str, object]]:
    request = body["request"]
    source, names = (request["sslConfig"], _SSL_FIELDS) if kind == "ssl" else (request, _REQUEST_FIELDS)
    for theirs, ours in names.items():
        if source.get(theirs) is not None and not (kind == "url" and theirs == "method"):
            yield ours, source[theirs]
    for theirs, ours in _UNITS_OF_TIMES.items():
        if theirs in body:
            yield ours, body[theirs]
    if kind == "api":
        yield from _pairs(request, logical_id, imported)
    assertions = request.get("assertions") or ()
    yield "assertions", tuple(_assertion(each, kind) for each in assertions)
    for theirs, ours in (("localSetupScript", "setup"), ("localTearDownScript", "teardown")):
        if body.get(theirs):
            path = f"checks/{logical_id}.{ours}.js"
            imported.files[path] = body[theirs]
            yield ours, path
    if body.get("setupScriptDependencies") or body.get("tearDownScriptDependencies"):
        imported.notes.append(f"{logical_id}: a project file cannot name what its scripts import.")
    if kind == "ssl" and request.get("sslClientCertificateId"):
        imported.notes.append(f"{logical_id}: a project file cannot name its client certificate.")


def _pairs(request: Body, logical_id: str, imported: Imported) -> Iterator[tuple[str, object]]:
    for theirs, ours in (("headers", "headers"), ("queryParameters", "query")):
        given = request.get(theirs) or ()
        pairs = {each["key"]: each["value"] for each in given}
        if len(pairs) < len(given):
            imported.notes.append(f"{logical_id}: of {ours} with the same name the last one is kept.")
        yield ours, pairs
    if (request.get("basicAuth") or {}).get("password"):
        imported.notes.append(
            f"{logical_id}: the password of its basic authentication is written down in clear."
        )


def _assertion(said: Body, kind: str) -> dict[str, object]:
    if kind == "url":
        return {"comparison": said["comparison"], "target": int(said["target"])}
    return {
        "source": said["source"],
        "comparison": said["comparison"],
        "target": said["target"],
        "property": said.get("property") or "",
        "regex": said.get("regex"),
    }
