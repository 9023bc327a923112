"""Follows one session to its end: live view, Ctrl+C, deadline; then reads the truth again.

What decides is the completion endpoint. The event stream only makes the wait lively: it may break,
or never come up, and the result is the same.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from bellrock.cli.board import Board
from bellrock.cli.display import REFRESH_S, Display
from bellrock.cli.exits import FAILURE, Exit
from bellrock.cli.interrupts import Interrupts, interrupts
from bellrock.cli.report import RunReport, SessionReport
from bellrock.client.errors import ClientError
from bellrock.client.live import SessionChanged
from bellrock.client.models import ResultDetail, Row, Session
from bellrock.client.sessions import CheckSessions, TestSessions, UnrecordedSessions

Sessions = TestSessions | CheckSessions | UnrecordedSessions
Answer = TypeVar("Answer")

_LOOK_AGAIN_S = 3.0
_LAST_EVENTS_S = 2.0
_EVIDENCE_S = 6.0
_EVIDENCE_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Following:
    """What to follow and how. ``timeout_s`` None waits on."""

    session_id: UUID
    cancel_on_interrupt: bool = True
    timeout_s: float | None = None


async def follow_session(sessions: Sessions, following: Following, display: Display) -> SessionReport:
    """Show the session until it is over.

    Raises:
        Exit: a second Ctrl+C.
        ClientError: the server could not be asked any more.
    """
    if not following.cancel_on_interrupt:
        return await _follow(sessions, following, display, presses=None)
    with interrupts() as presses:
        return await _follow(sessions, following, display, presses=presses)


async def _follow(
    sessions: Sessions,
    following: Following,
    display: Display,
    *,
    presses: Interrupts | None,
) -> SessionReport:
    board = Board(await _or_leave(sessions.get(following.session_id), presses))
    display.begin(board)
    shown = asyncio.create_task(_show_events(sessions, board, display))
    drawn = asyncio.create_task(_redraw(display))
    asked = asyncio.create_task(_cancel_when_asked(sessions, following, display, presses))
    try:
        async with asyncio.timeout(following.timeout_s):
            session = await _or_leave(sessions.completion(following.session_id), presses)
        # the last events come right behind the final state
        await asyncio.wait([shown], timeout=_LAST_EVENTS_S)
        complete = True
    except TimeoutError:
        display.note(f"Reached the timeout of {following.timeout_s:.0f} s; the session goes on.", "red")
        session, complete = await sessions.get(following.session_id), False
    finally:
        await _end(shown, drawn, asked)
    for news in board.take(session):
        display.show(news)
    report = await _or_leave(read_report(sessions, session, complete=complete), presses)
    display.end(report)
    return report


async def _or_leave(wanted: Awaitable[Answer], presses: Interrupts | None) -> Answer:
    """The answer, unless Ctrl+C is pressed for the second time: then leave at once."""
    task = asyncio.ensure_future(wanted)
    if presses is None:
        return await task
    second = asyncio.create_task(presses.second.wait())
    try:
        await asyncio.wait([task, second], return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        raise Exit(FAILURE)
    finally:
        await _end(task, second)


async def _end(*tasks: "asyncio.Future[Any]") -> None:
    """End helpers. One that broke by itself says so here: its error is a mistake of ours."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error


async def _show_events(sessions: Sessions, board: Board, display: Display) -> None:
    async for frame in sessions.events(board.session.id):
        for news in board.apply(frame):
            display.show(news)
        if isinstance(frame, SessionChanged) and frame.session.stopped_at is not None:
            return
    # No stream (any more): look from time to time, so that the table does not lie.
    while board.session.stopped_at is None:
        await asyncio.sleep(_LOOK_AGAIN_S)
        with contextlib.suppress(ClientError):
            for news in board.take(await sessions.get(board.session.id)):
                display.show(news)


async def _redraw(display: Display) -> None:
    while True:
        display.refresh()
        await asyncio.sleep(REFRESH_S)


async def _cancel_when_asked(
    sessions: Sessions, following: Following, display: Display, presses: Interrupts | None
) -> None:
    if presses is None:
        return
    await presses.first.wait()
    if isinstance(sessions, UnrecordedSessions):
        display.note(
            "A run that is not recorded cannot be cancelled: waiting for its end. Ctrl+C again leaves."
        )
        return
    display.note("Cancelling… (Ctrl+C again leaves at once)", "magenta")
    try:
        await sessions.cancel(following.session_id)
    except ClientError as error:
        display.note(f"The cancel was not accepted: {error.message}", "red")


async def read_report(sessions: Sessions, session: Session, *, complete: bool = True) -> SessionReport:
    """The session with the details of every run that has its final result."""
    details = await asyncio.gather(*(_detail(sessions, session, row) for row in session.results))
    runs = tuple(
        RunReport(row, detail)
        for row, detail in zip(session.results, details, strict=True)
        if not row.is_attempt
    )
    return SessionReport(session, runs, complete=complete)


async def _detail(sessions: Sessions, session: Session, row: Row) -> ResultDetail | None:
    if not row.is_final:
        return None
    try:
        return await _with_evidence(_reader(sessions, session, row))
    except ClientError:
        return None  # the report says that it could not be read


def _reader(sessions: Sessions, session: Session, row: Row) -> Callable[[], Awaitable[ResultDetail]]:
    async def read() -> ResultDetail:
        if isinstance(sessions, CheckSessions):
            # results of deployed checks are read by check, those of test sessions by session
            return await sessions.result(session.check_id or row.result_id, row.result_id)
        return await sessions.result(session.id, row.result_id)

    return read


async def _with_evidence(read: Callable[[], Awaitable[ResultDetail]]) -> ResultDetail:
    """The detail; a cancelled run's evidence may come a little after its end, and is waited for."""
    clock = asyncio.get_running_loop().time
    give_up_at = clock() + _EVIDENCE_S
    detail = await read()
    while detail.receipt is not None and not detail.receipt.evidence_complete and clock() < give_up_at:
        await asyncio.sleep(_EVIDENCE_LOOK_S)
        detail = await read()
    return detail
