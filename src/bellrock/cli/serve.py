"""The commands that serve: `dev`, `server`, `runner`.

They read settings, hand over to bootstrap, and say in one line why something does not start (code 2).
"""

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

from cyclopts import App

from bellrock.bootstrap.collector import collector_at_rest

if TYPE_CHECKING:
    from bellrock.bootstrap.dev import Started
    from bellrock.settings import Settings

CANNOT_START = 2


def dev(
    *,
    host: str | None = None,
    port: int | None = None,
    data_dir: Path | None = None,
    locations: str | None = None,
    concurrency: int | None = None,
) -> int:
    """All in one process tree: bus, database, API, pages and a runner.

    Every option is also a variable, BELLROCK_ and its name (BELLROCK_DATA_DIR). The first account's
    key is printed, and kept in credentials.json of the data folder.

    Parameters
    ----------
    host
        Address to listen on (127.0.0.1).
    port
        Port to listen on (3000); 0 takes a free one.
    data_dir
        Folder for everything that is kept (.bellrock).
    locations
        Locations that the runner serves, separated by commas (eu-central-1,us-east-1).
    concurrency
        Runs at once per location (2).
    """
    chosen = {"host": host, "port": port, "data_dir": data_dir, "locations": locations}
    settings = _settings("dev", concurrency=concurrency, **chosen)
    if settings is None:
        return CANNOT_START
    with collector_at_rest():
        from bellrock.bootstrap.dev import run_dev

    return _run(run_dev(settings, _print_started))


def server(
    *,
    host: str | None = None,
    port: int | None = None,
    data_dir: Path | None = None,
    nats_url: str | None = None,
    database_url: str | None = None,
) -> int:
    """The control plane alone: API, pages and control loops.

    Parameters
    ----------
    host
        Address to listen on (127.0.0.1).
    port
        Port to listen on (3000).
    data_dir
        Folder for the encryption key and artifacts (.bellrock).
    nats_url
        The NATS server, such as nats://127.0.0.1:4222. Its token: BELLROCK_NATS_TOKEN.
    database_url
        sqlite:////absolute/path or postgresql://user@host/name; by default SQLite in the data folder.
    """
    chosen = {"host": host, "port": port, "data_dir": data_dir, "nats_url": nats_url}
    settings = _settings("server", database_url=database_url, **chosen)
    if settings is None:
        return CANNOT_START
    with collector_at_rest():
        from bellrock.bootstrap.server import run_server

    return _run(run_server(settings, _print_started))


runner = App(name="runner", help="A runner: executes the checks of its locations.")


@runner.default
def run(
    *,
    location: list[str] | None = None,
    concurrency: int | None = None,
    nats_url: str | None = None,
    control_url: str | None = None,
    runner_dir: Path | None = None,
) -> int:
    """Execute the checks of one or several locations. Connects outwards only.

    Parameters
    ----------
    location
        A location to serve; may be given several times.
    concurrency
        Runs at once per location (2).
    nats_url
        The NATS server, such as nats://127.0.0.1:4222. Its token: BELLROCK_NATS_TOKEN.
    control_url
        The control plane as this machine reaches it, for bundles and artifacts.
    runner_dir
        Folder for run folders and caches (runner below the data folder).
    """
    chosen = {"nats_url": nats_url, "control_url": control_url, "runner_dir": runner_dir}
    places = tuple(location) if location else None
    settings = _settings("runner", locations=places, concurrency=concurrency, **chosen)
    if settings is None:
        return CANNOT_START
    with collector_at_rest():
        from bellrock.bootstrap.runner_process import run_runner

    return _run(run_runner(settings))


@runner.command
def doctor() -> int:
    """Say which isolation and which limits this machine gives, by trying each."""
    settings = _settings("runner")
    if settings is None:
        return CANNOT_START
    from bellrock.bootstrap.doctor import describe

    lines, works = describe(settings)
    print("\n".join(lines))
    return 0 if works else 1


def _settings(role: str, **chosen: object) -> "Settings | None":
    from bellrock.settings import SettingsError, load_settings
    from bellrock.telemetry import LogForm, configure_logging

    try:
        settings = load_settings(**chosen)
    except SettingsError as error:
        print(f"bellrock: {error}", file=sys.stderr)
        return None
    configure_logging(role=role, form=LogForm(settings.log_format), level=settings.log_level)
    return settings


def _run(serving: Coroutine[object, object, None]) -> int:
    from bellrock.bootstrap.errors import CannotStart

    try:
        asyncio.run(serving)
    except CannotStart as error:
        print(f"bellrock: {error}", file=sys.stderr)
        return CANNOT_START
    return 0


def _print_started(started: "Started") -> None:
    lines = [f"Bellrock is up at {started.url}"]
    if started.credentials:
        lines += [
            f"  account id  {started.credentials.account_id}",
            f"  API key     {started.credentials.api_key}",
        ]
    lines += [f"  locations   {', '.join(started.locations)}", f"  data        {started.data_dir}"]
    if started.missing:
        lines.append(f"  not ready   {started.missing}")
    print("\n".join(lines), flush=True)
