"""How a runner asks the control plane: what is retried, for how long, and what an answer looks like.

Every question may be asked again with the same content: the control plane tells a repetition from
a second opinion by the claim token, which the runner makes itself.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import TypeVar

import structlog
from pydantic import ValidationError

from bellrock.engine.port import Bus, BusError, TooLarge
from bellrock.wire import subjects
from bellrock.wire.messages import (
    MOST_TOGETHER_BYTES,
    ClaimReply,
    ClaimRequest,
    Evidence,
    HeartbeatReply,
    HeartbeatRequest,
    Hello,
    HelloReply,
    Message,
    Report,
    ReportReply,
    TicksClaim,
    TicksClaimReply,
    TicksReport,
)

log = structlog.get_logger(__name__)

R = TypeVar("R", bound=Message)

_FIRST_WAIT_S = 0.1
_LONGEST_WAIT_S = 2.0


class NoAnswer(Exception):
    """The control plane gave no usable answer in the time allowed."""


class DoesNotFit(NoAnswer):
    """The question is larger than a message may be: it was not asked."""


@dataclass(frozen=True, slots=True)
class LinkTimes:
    """How long to wait: for one answer, and over all tries of each kind of question."""

    answer_s: float = 5.0
    claim_s: float = 12.0
    hello_s: float = 5.0
    report_s: float = 90.0


class ControlLink:
    """One location's questions to the control plane."""

    def __init__(self, bus: Bus, location: str, times: LinkTimes) -> None:
        self._bus = bus
        self._location = location
        self._times = times

    async def hello(self, hello: Hello) -> HelloReply:
        """Introduce the runner.

        :raises NoAnswer: nobody answered within ``hello_s``.
        """
        return await self._insist("hello", hello.encode(), HelloReply, total_s=self._times.hello_s)

    async def claim(self, request: ClaimRequest) -> ClaimReply:
        """Ask for a run. Asked again with the same token, the answer is the same.

        :raises NoAnswer: within ``claim_s``. The run may be ours for the length of a lease.
        """
        return await self._insist("claim", request.encode(), ClaimReply, total_s=self._times.claim_s)

    async def claim_ticks(self, request: TicksClaim) -> TicksClaimReply:
        """Ask for a batch of ticks. Asked again with the same token, the answer is the same.

        :raises NoAnswer: within ``answer_s``. The batch may be ours until its lease is over.
        """
        return await self._insist(
            "claim-ticks", request.encode(), TicksClaimReply, total_s=self._times.answer_s
        )

    async def report_ticks(self, report: TicksReport) -> ReportReply:
        """Say how jobs of a batch ended, in as many messages as it needs. Said again, it is accepted again.

        :raises NoAnswer: within ``report_s``: by then the batch is another's.
        """
        body, number = report.encode(), len(report.reports)
        if number == 1 and len(body) > self._bus.most_bytes:
            body = report.model_copy(update={"reports": (_shortened(report.reports[0]),)}).encode()
        if number <= 1 or len(body) <= min(self._bus.most_bytes, MOST_TOGETHER_BYTES):
            return await self._insist("report-ticks", body, ReportReply, total_s=self._times.report_s)
        first, rest = report.reports[: number // 2], report.reports[number // 2 :]
        reply = await self.report_ticks(report.model_copy(update={"reports": first, "is_last": False}))
        if not reply.accepted:
            return reply
        return await self.report_ticks(report.model_copy(update={"reports": rest}))

    async def heartbeat(self, request: HeartbeatRequest, *, timeout_s: float) -> HeartbeatReply:
        """Say once what this runner has.

        :raises NoAnswer: within ``timeout_s``. The next heartbeat repeats it.
        """
        return await self._ask("heartbeat", request.encode(), HeartbeatReply, timeout_s=timeout_s)

    async def report(self, report: Report) -> ReportReply:
        """Say how an attempt ended; without its list of tests and its details where they fit no message.

        :raises NoAnswer: within ``report_s``: by then the lease is gone and the run another's.
        """
        try:
            return await self._insist("report", report.encode(), ReportReply, total_s=self._times.report_s)
        except DoesNotFit as error:
            log.warning("report.shortened", run_id=str(report.run_id), reason=str(error))
            short = _shortened(report)
            return await self._insist("report", short.encode(), ReportReply, total_s=self._times.report_s)

    async def evidence(self, evidence: Evidence) -> ReportReply:
        """Name the artifacts that were ready only after the report.

        :raises NoAnswer: within ``report_s``.
        """
        return await self._insist("evidence", evidence.encode(), ReportReply, total_s=self._times.report_s)

    async def _insist(self, verb: str, question: bytes, reply: type[R], *, total_s: float) -> R:
        deadline = time.monotonic() + total_s
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                left_s = deadline - time.monotonic()
                return await self._ask(
                    verb, question, reply, timeout_s=max(min(self._times.answer_s, left_s), 0.1)
                )
            except DoesNotFit:
                raise  # nor will it fit later
            except NoAnswer as problem:
                if time.monotonic() + wait_s >= deadline:
                    raise
                log.info("rpc.retry", verb=verb, location=self._location, reason=str(problem))
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    async def _ask(self, verb: str, question: bytes, reply: type[R], *, timeout_s: float) -> R:
        subject = subjects.rpc(verb, self._location)
        try:
            answer = await self._bus.request(subject, question, timeout_s=timeout_s)
            return reply.model_validate_json(answer)
        except TooLarge as error:
            raise DoesNotFit(str(error)) from error
        except (BusError, TimeoutError) as error:
            raise NoAnswer(str(error)) from error
        except ValidationError as error:
            raise NoAnswer(f"an answer that cannot be read: {error.error_count()} errors") from error


def _shortened(report: Report) -> Report:
    """What is left of a report that fits no message: everything but its longest parts, and that they lack."""
    missing = "The details of the result, and its list of tests, are too long for a report and were left out."
    return report.model_copy(update={"test_list": (), "details": {}, "errors": (missing, *report.errors)})
