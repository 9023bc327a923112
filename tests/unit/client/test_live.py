import asyncio
import json
from uuid import uuid4

import pytest

from bellrock.client.live import Frame, RunChanged, RunEvents, RunSoFar, follow_events, read_frame
from bellrock.client.transport import Server, Transport
from bellrock.domain.live import Stage, StageEntered, TestStatus
from tests.unit.client.scripted_server import Answer, Request, scripted_server

RUN = uuid4()
PATH = "/v1/test-sessions/x/events"


def frame(kind: str, body: object, event_id: str) -> bytes:
    return f"event: {kind}\nid: {event_id}\ndata: {json.dumps(body)}\n\n".encode()


def stage(seq: int, name: str) -> bytes:
    event = {"type": "stage", "seq": seq, "at_ms": 1, "stage": name, "note": None}
    return frame("live", {"sequenceId": str(RUN), "events": [event]}, f"1.{seq}")


END = frame("end", {"status": "PASSED"}, "1.9")
STREAM = {"Content-Type": "text/event-stream"}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bellrock.client.live._PAUSE_S", 0.0)


async def collect(url: str) -> list[Frame]:
    async with asyncio.timeout(10), Transport(Server(url, "cu_key")) as transport:
        return [frame async for frame in follow_events(transport, PATH)]


async def test_a_broken_stream_is_taken_up_after_the_last_event_seen() -> None:
    def answer(request: Request, number: int) -> Answer:
        if number == 0:
            return Answer(body=stage(1, "preparing") + stage(2, "testing"), headers=STREAM, cut=True)
        if number == 1:
            return Answer(cut=True)
        assert request.headers["last-event-id"] == "1.2"
        return Answer(body=stage(3, "uploading") + END, headers=STREAM)

    with scripted_server(answer) as script:
        frames = await collect(script.url)
    stages = [
        event.stage
        for one in frames
        if isinstance(one, RunEvents)
        for event in one.events
        if isinstance(event, StageEntered)
    ]
    assert stages == [Stage.PREPARING, Stage.TESTING, Stage.UPLOADING]
    assert "last-event-id" not in script.requests[0].headers
    assert len(script.requests) == 3


async def test_a_server_that_is_starting_again_is_asked_again() -> None:
    answers = [Answer(503), Answer(500), Answer(body=END, headers=STREAM)]
    with scripted_server(lambda _, number: answers[number]) as script:
        assert await collect(script.url) == []
    assert len(script.requests) == 3


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refused_stream_ends_quietly(status: int) -> None:
    with scripted_server(lambda *_: Answer(status)) as script:
        assert await collect(script.url) == []
    assert len(script.requests) == 1


async def test_a_stream_that_is_none_ends_quietly_after_asking_again() -> None:
    answers = [Answer(body=b"{}", headers={"Content-Type": "application/json"}), Answer(404)]
    with scripted_server(lambda _, number: answers[number]) as script:
        assert await collect(script.url) == []


def test_frames_of_newer_servers_are_passed_over() -> None:
    assert read_frame("weather", '{"rain": true}') is None
    assert read_frame("live", '{"sequenceId": 3}') is None
    assert read_frame("run", "not json") is None


def test_a_run_that_was_under_way_is_folded_from_its_picture() -> None:
    test = {
        "id": "t1", "project": "desktop", "file": "a.spec.ts", "line": 3, "title": ["a"], "tags": [],
        "status": "running", "retry": 1, "startedAtMs": 5, "durationMs": 0, "errors": [],
        "steps": [{"step": 1, "parent": None, "title": "s", "category": "hook", "durationMs": None}],
    }  # fmt: skip
    body = {
        "sequenceId": str(RUN),
        "lastSeq": 7,
        "stage": "testing",
        "stageAtMs": 4,
        "errors": [],
        "tests": [test],
    }
    read = read_frame("progress", json.dumps(body))
    assert isinstance(read, RunSoFar)
    assert read.progress.last_seq == 7
    assert read.progress.stage is Stage.TESTING
    assert read.progress.tests["t1"].status is TestStatus.RUNNING
    assert read.progress.counts().running == 1


def test_a_change_of_a_run_names_it() -> None:
    read = read_frame("run", json.dumps({"sequenceId": str(RUN), "what": "cancelling"}))
    assert isinstance(read, RunChanged)
    assert (read.run_id, read.what) == (RUN, "cancelling")
