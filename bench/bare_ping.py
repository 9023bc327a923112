"""The least that can take a ping: uvicorn, and one insert into SQLite per request.

python -m bench.bare_ping PORT FILE SYNCHRONOUS     (FULL, as Bellrock has it, or OFF: no wait for a disk)
"""

import sqlite3
import sys
import time
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

_BODY = b'{"message": "The ping is recorded."}'
_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(_BODY)).encode()),
    ],
}


def bare_app(file: Path, synchronous: str) -> ASGIApp:
    """Every request is a row, committed before the answer."""
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {synchronous}")
    connection.execute("CREATE TABLE pings (token TEXT, at INTEGER)")

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        row = (scope["path"], time.time_ns() // 1_000)
        connection.execute("INSERT INTO pings (token, at) VALUES (?, ?)", row)
        await send(_START)
        await send({"type": "http.response.body", "body": _BODY})

    return app


def main() -> None:
    """Serve until SIGTERM."""
    port, file, synchronous = sys.argv[1:]
    app = bare_app(Path(file), synchronous)
    uvicorn.run(
        app, port=int(port), log_level="warning", access_log=False, server_header=False, lifespan="off"
    )


if __name__ == "__main__":
    main()
