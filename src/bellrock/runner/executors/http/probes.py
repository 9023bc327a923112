"""The probes of HTTP: of URL monitors and of API checks."""

from bellrock.domain.outcomes import Blame, Verdict
from bellrock.domain.specs import ApiCheck, UrlMonitor
from bellrock.expressions.assertions import AssertionResult, AssertionUnusable
from bellrock.runner.executors.http.api_run import ApiRun
from bellrock.runner.executors.http.assertions import check_response
from bellrock.runner.executors.http.exchange import exchange
from bellrock.runner.executors.http.judge import judge, outcome_of_failure
from bellrock.runner.executors.http.rendering import usable_url
from bellrock.runner.executors.http.request import KEPT_BODY_BYTES, Request, RequestFailed, Response
from bellrock.runner.executors.http.results import monitor_request, no_response, whole_response, without_body
from bellrock.runner.executors.http.scripts import ScriptRunner
from bellrock.runner.executors.http.transfers import Transfers
from bellrock.runner.probing import ProbeResult, ProbeTools, assertion_details, failed

_OF_MONITORS = frozenset({"STATUS_CODE"})


class HttpProbes:
    """Probes that share one thread of transfers. Made in the event loop that they run in; `close` them."""

    def __init__(self, scripts: ScriptRunner | None = None) -> None:
        self._transfers = Transfers()
        self._scripts = scripts or ScriptRunner()

    def close(self) -> None:
        """End what is under way."""
        self._transfers.close()

    async def probe_api(self, check: ApiCheck, tools: ProbeTools) -> ProbeResult:
        """Setup scripts, the request, teardown scripts, assertions."""
        run = ApiRun(check, tools, transfers=self._transfers, scripts=self._scripts)
        return await run.carry_out()

    async def probe_url(self, monitor: UrlMonitor, tools: ProbeTools) -> ProbeResult:
        """One GET. A network error is the target's fault, a URL that cannot be used the check's."""
        wanted = monitor.request
        tools.say(f"GET {wanted.url}")
        request = Request(
            url=usable_url(wanted.url),
            follow_redirects=wanted.follow_redirects,
            skip_ssl=wanted.skip_ssl,
            ip_family=wanted.ip_family,
            kept_body_bytes=KEPT_BODY_BYTES,
        )
        try:
            response = await exchange(self._transfers, request, deadline=tools.deadline, guard=tools.guard)
        except RequestFailed as failure:
            return _no_response(monitor, failure)
        tools.say(f"{response.status} {response.status_text} in {response.times.total:.0f} ms")
        return await _responded(monitor, response, is_scheduled=tools.job.is_scheduled)


async def _responded(monitor: UrlMonitor, response: Response, *, is_scheduled: bool) -> ProbeResult:
    assertions: tuple[AssertionResult, ...] = ()
    try:
        _refuse_others(monitor)
        assertions = await check_response(monitor.request.assertions, response)
        outcome = judge(monitor, response, assertions)
    except AssertionUnusable as error:
        outcome = failed("BAD_ASSERTION", str(error), blame=Blame.CHECK)
    # A page every minute, as it should be, would fill the disk, and nobody ever looks at it.
    keeps_body = not is_scheduled or outcome.verdict is not Verdict.PASSED
    details: dict[str, object] = {
        "request": monitor_request(monitor.request),
        "response": whole_response(response) if keeps_body else without_body(response),
        "assertions": assertion_details(assertions),
        "requestError": None,
    }
    total_ms = response.times.total
    return ProbeResult(outcome, total_ms, details, {"request": total_ms})


def _refuse_others(monitor: UrlMonitor) -> None:
    for assertion in monitor.request.assertions:
        if assertion.source not in _OF_MONITORS:
            raise AssertionUnusable(f"A URL monitor cannot assert {assertion.source}, only STATUS_CODE.")


def _no_response(monitor: UrlMonitor, failure: RequestFailed) -> ProbeResult:
    total_ms = failure.times.total
    details: dict[str, object] = {
        "request": monitor_request(monitor.request),
        "response": no_response(failure),
        "assertions": [],
        "requestError": str(failure),
    }
    return ProbeResult(outcome_of_failure(failure), total_ms, details, {"request": total_ms})
