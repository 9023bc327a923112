"""A URL monitor's run: request, judgement, report. It goes on to its end: cancels do not apply to it."""

import asyncio
import base64
import codecs
from datetime import datetime

from bellrock.domain.checks import UrlMonitor
from bellrock.domain.live import Stage
from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.runner.executors.url.judge import AssertionResult, check_assertions, judge
from bellrock.runner.executors.url.request import RequestFailed, UrlRequest, UrlResponse, get
from bellrock.runner.recorder import RunContext
from bellrock.wire.messages import JobSpec, Report, Timing

RUN_CAP_S = 30.0


class UrlExecutor:
    """Carries out URL monitors. ``cap_s`` bounds a whole run, redirects included."""

    def __init__(self, *, cap_s: float = RUN_CAP_S) -> None:
        self._cap_s = cap_s

    async def execute(self, job: JobSpec, context: RunContext) -> Report:
        """One GET. A network error is the target's fault, a URL that cannot be used the check's."""
        started_at = context.clock()
        monitor = job.url
        if monitor is None:
            outcome = Outcome(
                Verdict.ERRORED, Blame.PLATFORM, "NO_URL", "The job of this URL monitor holds no URL."
            )
            return _report(job, context, outcome=outcome, started_at=started_at)
        context.events.stage(Stage.TESTING)
        context.events.output("system", f"GET {monitor.url}\n")
        request = UrlRequest(
            url=monitor.url,
            follow_redirects=monitor.follow_redirects,
            skip_ssl=monitor.skip_ssl,
            ip_family=monitor.ip_family,
            timeout_s=self._cap_s,
        )
        try:
            # The thread ends by itself at the cap: libcurl cannot be interrupted from here.
            response = await asyncio.to_thread(get, request)
        except RequestFailed as failure:
            return _no_response(job, context, failure=failure, started_at=started_at)
        return _responded(job, context, response=response, started_at=started_at)


def _responded(job: JobSpec, context: RunContext, *, response: UrlResponse, started_at: datetime) -> Report:
    assert job.url is not None  # noqa: S101 - for the type checker: execute has looked
    assertions = check_assertions(job.url, response.status)
    total_ms = response.moments.end
    outcome = judge(job.url, response.status, response_time_ms=total_ms, assertions=assertions)
    context.events.output("system", f"{response.status} {response.status_text} in {total_ms:.0f} ms\n")
    details: dict[str, object] = {
        "request": _request_details(job.url),
        "response": _response_details(response),
        "assertions": [_assertion_details(result) for result in assertions],
        "requestError": None,
    }
    return _report(job, context, outcome=outcome, started_at=started_at, total_ms=total_ms, details=details)


def _no_response(
    job: JobSpec, context: RunContext, *, failure: RequestFailed, started_at: datetime
) -> Report:
    assert job.url is not None  # noqa: S101 - for the type checker: execute has looked
    blame = Blame.CHECK if failure.blames_check else Blame.TARGET
    context.events.output("system", f"{failure}\n")
    details: dict[str, object] = {
        "request": _request_details(job.url),
        "response": {"timings": failure.moments.timings(), "timingPhases": failure.moments.phases()},
        "assertions": [],
        "requestError": str(failure),
    }
    outcome = Outcome(Verdict.FAILED, blame, failure.code, f"{failure}.")
    return _report(
        job, context, outcome=outcome, started_at=started_at, total_ms=failure.moments.end, details=details
    )


def _request_details(monitor: UrlMonitor) -> dict[str, object]:
    return {
        "method": "GET",
        "url": monitor.url,
        "followRedirects": monitor.follow_redirects,
        "skipSSL": monitor.skip_ssl,
        "ipFamily": monitor.ip_family,
    }


def _response_details(response: UrlResponse) -> dict[str, object]:
    details: dict[str, object] = {
        "status": response.status,
        "statusText": response.status_text,
        "headers": response.headers,
        "url": response.url,
        "ip": response.ip,
        "redirects": response.redirects,
        "bodyBytes": response.body_bytes,
        "timings": response.moments.timings(),
        "timingPhases": response.moments.phases(),
    }
    whole = response.body_bytes == len(response.body)
    try:
        # Of a body that is cut, the last character may be half there.
        text = codecs.getincrementaldecoder("utf-8")().decode(response.body, final=whole)
        return {**details, "body": text}
    except UnicodeDecodeError:
        return {**details, "body": base64.b64encode(response.body).decode(), "bodyEncoding": "base64"}


def _assertion_details(result: AssertionResult) -> dict[str, object]:
    return {
        "source": "STATUS_CODE",
        "comparison": result.assertion.comparison,
        "target": result.assertion.target,
        "property": "",
        "regex": None,
        "actual": result.actual,
        "error": result.error,
    }


def _report(
    job: JobSpec,
    context: RunContext,
    *,
    outcome: Outcome,
    started_at: datetime,
    total_ms: float | None = None,
    details: dict[str, object] | None = None,
) -> Report:
    response_time_ms = round(total_ms) if total_ms is not None else None
    return Report(
        run_id=job.run_id,
        token=context.token,
        outcome=outcome,
        started_at=started_at,
        stopped_at=context.clock(),
        response_time_ms=response_time_ms,
        errors=(outcome.message,) if outcome.message else (),
        timings=() if response_time_ms is None else (Timing(stage="request", duration_ms=response_time_ms),),
        details=details or {},
    )
