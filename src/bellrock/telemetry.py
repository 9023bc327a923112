"""How Bellrock logs: structlog events `noun.verb` with ids, for people or as JSON lines, on standard error.

Libraries that log through the standard library (uvicorn, nats, SQLAlchemy) come out in the same form.
"""

import logging
import sys
from enum import StrEnum

import structlog
from structlog.types import EventDict, Processor, WrappedLogger


class LogForm(StrEnum):
    """`console` is for people, `json` for machines; `auto` is `console` in a terminal, else `json`."""

    AUTO = "auto"
    CONSOLE = "console"
    JSON = "json"


# Talkative at INFO about what we log ourselves, with ids.
QUIET_LIBRARIES = ("uvicorn.access", "alembic", "asyncio", "httpcore2", "httpx2", "nats", "sqlalchemy")


def configure_logging(*, role: str, form: LogForm = LogForm.AUTO, level: str = "INFO") -> None:
    """Set up logging of this process, once, before anything else starts.

    `role` (dev, server, runner) is on every line; `level` is a name of the standard library, any case.
    Raises ValueError for a level that does not exist.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        allowed = ", ".join(name for name in logging.getLevelNamesMapping() if name != "NOTSET")
        raise ValueError(f"log level {level!r}: allowed are {allowed}")
    shared = _shared_processors(role)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=True,
    )
    _route_standard_logging(_renderers(form), shared, number)


def _shared_processors(role: str) -> list[Processor]:
    def add_role(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event.setdefault("role", role)
        return event

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_role,
    ]


def _renderers(form: LogForm) -> list[Processor]:
    # Neither form shows the local variables of a traceback: they may hold keys and secrets.
    in_terminal = sys.stderr.isatty()
    if form is LogForm.JSON or (form is LogForm.AUTO and not in_terminal):
        tracebacks = structlog.processors.ExceptionRenderer(
            structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        )
        return [tracebacks, structlog.processors.JSONRenderer(default=str)]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=in_terminal, pad_event_to=32, exception_formatter=plain)]


def _route_standard_logging(renderers: list[Processor], shared: list[Processor], level: int) -> None:
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        # uvicorn brings handlers of its own; ours must be the only ones.
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
