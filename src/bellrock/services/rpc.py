"""The runners' requests over the bus: decoded, answered by the service that decides, encoded."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from pydantic import ValidationError

from bellrock.engine.port import Handler, Subscription
from bellrock.services.claim_run import claim_run
from bellrock.services.heartbeat import heartbeat
from bellrock.services.platform import Platform
from bellrock.services.record_result import record_evidence, record_report
from bellrock.services.runners import greet_runner
from bellrock.services.tick_batches import claim_ticks, record_ticks
from bellrock.wire import subjects
from bellrock.wire.messages import (
    ClaimRequest,
    Evidence,
    HeartbeatRequest,
    Hello,
    Message,
    Report,
    TicksClaim,
    TicksReport,
)

log = structlog.get_logger(__name__)

Request = TypeVar("Request", bound=Message)


async def serve_runners(platform: Platform) -> list[Subscription]:
    """Answer every rpc subject, as one of the replicas that share them."""

    async def claim(location: str, request: ClaimRequest) -> Message:
        return await claim_run(platform, location, request)

    async def beat(_location: str, request: HeartbeatRequest) -> Message:
        return await heartbeat(platform, request)

    async def report(_location: str, request: Report) -> Message:
        return await record_report(platform, request)

    async def evidence(_location: str, request: Evidence) -> Message:
        return await record_evidence(platform, request)

    async def claim_batch(location: str, request: TicksClaim) -> Message:
        return await claim_ticks(platform, location, request)

    async def report_batch(_location: str, request: TicksReport) -> Message:
        return await record_ticks(platform, request)

    async def hello(_location: str, request: Hello) -> Message:
        return await greet_runner(platform, request)

    handlers = {
        "claim": _handler(ClaimRequest, claim),
        "heartbeat": _handler(HeartbeatRequest, beat),
        "report": _handler(Report, report),
        "evidence": _handler(Evidence, evidence),
        "claim-ticks": _handler(TicksClaim, claim_batch),
        "report-ticks": _handler(TicksReport, report_batch),
        "hello": _handler(Hello, hello),
    }
    return [
        await platform.bus.subscribe(f"rpc.{verb}.*", handler, queue=subjects.CONTROL_QUEUE)
        for verb, handler in handlers.items()
    ]


def _handler(shape: type[Request], answer: Callable[[str, Request], Awaitable[Message]]) -> Handler:
    async def handle(subject: str, body: bytes) -> bytes | None:
        location = subject.rpartition(".")[2]
        try:
            request = shape.model_validate_json(body)
        except ValidationError as error:
            # No answer: a runner that speaks another version must not take silence for consent.
            log.warning("rpc.malformed", subject=subject, errors=error.error_count())
            return None
        return (await answer(location, request)).encode()

    return handle
