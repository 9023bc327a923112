"""One run of an API check: setup scripts, the request, teardown scripts, assertions."""

import asyncio
import time
from functools import partial

from bellrock.domain.outcomes import Blame, Outcome, Verdict
from bellrock.domain.specs import ApiCheck
from bellrock.expressions.assertions import AssertionResult, AssertionUnusable
from bellrock.runner.executors.http.assertions import check_response
from bellrock.runner.executors.http.client_certificates import certificate_for
from bellrock.runner.executors.http.exchange import exchange
from bellrock.runner.executors.http.job_log import JobLog
from bellrock.runner.executors.http.judge import judge, outcome_of_failure
from bellrock.runner.executors.http.rendering import (
    Rendered,
    RequestUnusable,
    fill_in,
    has_templates,
    make_request,
)
from bellrock.runner.executors.http.request import Request, RequestFailed, Response
from bellrock.runner.executors.http.results import check_request, no_response, whole_response
from bellrock.runner.executors.http.script_files import Script, setup_script, teardown_script
from bellrock.runner.executors.http.script_steps import Prepared, ScriptSteps
from bellrock.runner.executors.http.scripts import ScriptFailed, ScriptRunner, ScriptsUnavailable
from bellrock.runner.executors.http.transfers import Transfers
from bellrock.runner.probing import ProbeResult, ProbeTools, assertion_details, failed

_S_TO_MS = 1_000


class _Ended(Exception):
    """The run has its outcome before there was a response."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.message)
        self.outcome = outcome


class ApiRun:
    """Everything of one run. `carry_out` is called once."""

    def __init__(
        self,
        check: ApiCheck,
        tools: ProbeTools,
        *,
        transfers: Transfers,
        scripts: ScriptRunner,
    ) -> None:
        self._check = check
        self._tools = tools
        self._transfers = transfers
        self._log = JobLog(tools)
        self._steps = ScriptSteps(scripts, tools, self._log)
        self._rendered: Rendered | None = None
        self._request: Request | None = None
        self._prepared = Prepared(check.request, _variables(tools))
        self._phases: dict[str, float] = {}

    async def carry_out(self) -> ProbeResult:
        """The whole run. What goes wrong is an outcome."""
        try:
            await self._set_up()
            request = await self._make_request()
            response, failure = await self._ask(request)
            response = await self._tear_down(response)
        except _Ended as ended:
            return self._result(ended.outcome, {}, ())
        if failure:
            return self._failed(failure)
        assert response is not None  # noqa: S101 - no failure, so there is one
        return await self._responded(response)

    async def _set_up(self) -> None:
        scripts = (*map(Script, self._tools.job.setup_scripts), setup_script(self._check))
        begun = time.monotonic()
        try:
            self._prepared = await self._steps.set_up(scripts, self._prepared)
        except ScriptFailed as error:
            message = f"The setup script {error}"
            raise _Ended(failed("SETUP_FAILED", message, blame=Blame.CHECK)) from error
        except ScriptsUnavailable as error:
            raise _Ended(_unavailable(error)) from error
        finally:
            self._note_phase("setup", begun, happened=any(each.code for each in scripts))

    async def _make_request(self) -> Request:
        prepared = self._prepared
        try:
            if has_templates(prepared.request):
                # Loops in loops can make of a short template a long text.
                self._rendered = await asyncio.to_thread(fill_in, prepared.request, prepared.variables)
            else:
                self._rendered = fill_in(prepared.request, prepared.variables)
            self._request = make_request(self._prepared.request, self._rendered)
        except RequestUnusable as error:
            raise _Ended(failed(error.code, str(error), blame=Blame.CHECK)) from error
        return self._request

    async def _ask(self, request: Request) -> tuple[Response | None, RequestFailed | None]:
        self._log.note("request", f"{request.method} {request.url}")
        certificates = self._tools.job.client_certificates
        find = partial(certificate_for, certificates=certificates) if certificates else None
        try:
            response = await exchange(
                self._transfers,
                request,
                deadline=self._tools.deadline,
                find_certificate=find,
                guard=self._tools.guard,
            )
        except RequestFailed as failure:
            self._phases["request"] = failure.times.total
            self._log.note("request", f"{failure}.", level="ERROR")
            return None, failure
        total_ms = self._phases["request"] = response.times.total
        self._log.note("request", f"{response.status} {response.status_text} in {total_ms:.0f} ms")
        return response, None

    async def _tear_down(self, response: Response | None) -> Response | None:
        """Also without a response: what the setup made wants to be tidied away."""
        scripts = (teardown_script(self._check), *map(Script, self._tools.job.teardown_scripts))
        begun = time.monotonic()
        try:
            return await self._steps.tear_down(scripts, self._prepared, response)
        except ScriptsUnavailable as error:
            raise _Ended(_unavailable(error)) from error
        finally:
            self._note_phase("teardown", begun, happened=any(each.code for each in scripts))

    async def _responded(self, response: Response) -> ProbeResult:
        assertions: tuple[AssertionResult, ...] = ()
        try:
            assertions = await check_response(self._check.request.assertions, response)
            outcome = judge(self._check, response, assertions)
        except AssertionUnusable as error:
            outcome = failed("BAD_ASSERTION", str(error), blame=Blame.CHECK)
        return self._result(outcome, whole_response(response), assertions)

    def _failed(self, failure: RequestFailed) -> ProbeResult:
        return self._result(outcome_of_failure(failure), no_response(failure), (), error=str(failure))

    def _result(
        self,
        outcome: Outcome,
        response: dict[str, object],
        assertions: tuple[AssertionResult, ...],
        *,
        error: str | None = None,
    ) -> ProbeResult:
        shown = check_request(self._prepared.request, self._rendered, self._request)
        details: dict[str, object] = {
            "request": shown,
            "response": response,
            "assertions": assertion_details(assertions),
            "requestError": error,
            "jobLog": self._log.as_result(),
        }
        return ProbeResult(outcome, self._phases.get("request"), details, self._phases)

    def _note_phase(self, name: str, begun: float, *, happened: bool) -> None:
        if happened:
            self._phases[name] = (time.monotonic() - begun) * _S_TO_MS


def _variables(tools: ProbeTools) -> dict[str, str]:
    own = {one.key: one.value for one in tools.job.environment}
    return {**tools.job.context, **own}


def _unavailable(error: ScriptsUnavailable) -> Outcome:
    return Outcome(Verdict.ERRORED, Blame.RUNNER, error.code, str(error))
