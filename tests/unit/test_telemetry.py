"""What a log line holds, whoever wrote it, and what it must never hold."""

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bellrock.telemetry import LogForm, configure_logging


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.reset_defaults()


def last_line(capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    line: dict[str, object] = json.loads(capsys.readouterr().err.splitlines()[-1])
    return line


def test_an_event_carries_its_ids_and_the_role_of_the_process(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(role="runner", form=LogForm.JSON)
    structlog.get_logger().info("run.claimed", run_id="r1")
    line = last_line(capsys)
    assert (line["event"], line["run_id"], line["role"], line["level"]) == (
        "run.claimed",
        "r1",
        "runner",
        "info",
    )


def test_a_library_that_logs_by_itself_comes_out_in_the_same_form(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(role="server", form=LogForm.JSON)
    logging.getLogger("uvicorn.error").warning("port %d", 80)
    assert last_line(capsys)["event"] == "port 80"


@pytest.mark.parametrize("form", [LogForm.JSON, LogForm.CONSOLE])
def test_a_traceback_never_shows_local_variables(form: LogForm, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(role="server", form=form)
    password = "correct horse".replace(" ", "-")
    try:
        raise OSError(len(password))
    except OSError:
        structlog.get_logger().exception("loop.failed")
    written = capsys.readouterr().err
    assert "OSError" in written
    assert "correct-horse" not in written


def test_a_level_that_does_not_exist_is_refused_with_those_that_do() -> None:
    with pytest.raises(ValueError, match=r"'loud'.*WARNING"):
        configure_logging(role="dev", level="loud")
