"""The scripts around an API check's request, in their order, and what each may change."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from bellrock.domain.specs import HttpRequest, KeyValue
from bellrock.runner.executors.http.assertions import body_text
from bellrock.runner.executors.http.job_log import JobLog
from bellrock.runner.executors.http.rendering import METHODS, with_body
from bellrock.runner.executors.http.request import Response
from bellrock.runner.executors.http.script_files import Script
from bellrock.runner.executors.http.scripts import (
    MOST_DATA_BYTES,
    ScriptData,
    ScriptFailed,
    ScriptRunner,
    Voice,
)
from bellrock.runner.probing import ProbeTools

_MOST_BODY_BYTES = MOST_DATA_BYTES * 3 // 4
"""The part of a script's data that a response's body may take."""

Strings = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request, still with templates, and the variables for them."""

    request: HttpRequest
    variables: Strings = field(repr=False)


@dataclass(frozen=True, slots=True)
class ScriptSteps:
    """Runs the scripts of one run."""

    runner: ScriptRunner
    tools: ProbeTools
    log: JobLog

    async def set_up(self, scripts: Sequence[Script], prepared: Prepared) -> Prepared:
        """Every setup script in order. The first that fails ends it.

        Raises ScriptFailed or ScriptsUnavailable.
        """
        for number, script in enumerate(_real(scripts), 1):
            data = ScriptData(_shown_request(prepared.request), prepared.variables)
            left = await self._run("setup", number, script, data)
            prepared = Prepared(_changed(prepared.request, data.request, left.request), left.variables)
        return prepared

    async def tear_down(
        self, scripts: Sequence[Script], prepared: Prepared, response: Response | None
    ) -> Response | None:
        """Every teardown script in order. One that fails is noted, and the next one runs.

        Raises ScriptsUnavailable.
        """
        variables = prepared.variables
        for number, script in enumerate(_real(scripts), 1):
            shown = _shown_response(response) if response else None
            data = ScriptData(_shown_request(prepared.request), variables, shown)
            try:
                left = await self._run("teardown", number, script, data)
                response = _with_body(response, shown, left.response)
            except ScriptFailed as failure:
                self.log.note("teardown", f"The teardown script {failure} The check goes on.", level="ERROR")
                continue
            variables = left.variables
        return response

    async def _run(self, step: str, number: int, script: Script, data: ScriptData) -> ScriptData:
        self.log.note(step, f"Runs {step} script {number}.")
        context = self.tools.context
        if context is None:
            raise ScriptFailed("was not started: there is no run that it could belong to.")
        return await self.runner.run(
            script,
            f"{step}-{number}",
            data=data,
            context=context,
            deadline=self.tools.deadline,
            voice=Voice(
                say=lambda text: self.log.note(step, text),
                show=lambda line: self.log.printed(step, line),
            ),
        )


def _real(scripts: Sequence[Script]) -> list[Script]:
    return [script for script in scripts if script.code.strip()]


def _shown_request(request: HttpRequest) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.url,
        "headers": {one.key: one.value for one in request.headers},
        "queryParameters": {one.key: one.value for one in request.query},
        "body": request.body,
    }


def _shown_response(response: Response) -> dict[str, Any]:
    body = body_text(response)
    while len(json.dumps(body, ensure_ascii=False).encode(errors="replace")) > _MOST_BODY_BYTES:
        body = body[: len(body) // 2]
    return {
        "status": response.status,
        "statusCode": response.status,
        "statusText": response.status_text,
        "headers": response.headers,
        "body": body,
        "timings": response.times.timings(),
        "timingPhases": response.times.phases(),
    }


def _changed(request: HttpRequest, before: Mapping[str, Any], after: Mapping[str, Any]) -> HttpRequest:
    """The request with what a setup script changed of it. What it did not touch stays as it was."""
    changes = {name: after.get(name) for name in before if after.get(name) != before[name]}
    if "method" in changes:
        method = str(changes["method"]).upper()
        if method not in METHODS:
            raise ScriptFailed(f"must set request.method to one of {', '.join(METHODS)}, not {method!r}.")
        request = replace(request, method=method)
    if "url" in changes:
        url = changes["url"]
        if not isinstance(url, str) or not url.strip():
            raise ScriptFailed("must set request.url to a text that is not empty.")
        request = replace(request, url=url)
    if "headers" in changes:
        request = replace(request, headers=_pairs(changes["headers"], "headers"))
    if "queryParameters" in changes:
        request = replace(request, query=_pairs(changes["queryParameters"], "queryParameters"))
    if "body" in changes:
        request = with_body(request, _text(changes["body"]))
    return request


def _pairs(value: object, name: str) -> tuple[KeyValue, ...]:
    if not isinstance(value, dict):
        raise ScriptFailed(f"must leave an object in request.{name}.")
    pairs = []
    for key, given in value.items():
        many = given if isinstance(given, list) else [given]
        pairs += [KeyValue(key, _text(one)) for one in many if one is not None]
    return tuple(pairs)


def _with_body(response: Response | None, shown: Mapping[str, Any] | None, left: object) -> Response | None:
    """The response with the body that a teardown script set."""
    if response is None or shown is None or not isinstance(left, dict):
        return response
    body = left.get("body")
    if body == shown["body"]:
        return response
    data = _text(body).encode()  # in UTF-8, whatever the headers say of what came
    return replace(response, body=data, body_bytes=len(data), charset="utf-8")


def _text(value: object) -> str:
    """A text as it is, nothing as none, everything else as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
