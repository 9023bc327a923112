"""`bellrock dev` for the main job: started, or found running with the same data; ended again."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx2
from pydantic import BaseModel

from bellrock.client.api import connect
from bellrock.client.errors import ClientError
from bellrock.client.transport import Server

BELLROCK = Path(sys.executable).with_name("bellrock")
START_S = 60
STOP_S = 20
LOG_LINES_SHOWN = 25


class Trouble(Exception):
    """Something a person has to know: the message says what, and what to do."""


class Credentials(BaseModel):
    """What `bellrock dev` keeps in its data folder for its owner."""

    account_id: UUID
    api_key: str


@dataclass(frozen=True, slots=True)
class Options:
    """What the environment asks for."""

    port: int
    data: Path
    once: bool

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.data / "dev.log"


def read_options() -> Options:
    port = os.environ.get("PORT") or "3000"
    if not port.isdecimal() or not 0 < int(port) < 2**16:
        raise Trouble(f"PORT={port}: a number from 1 to 65535 is needed")
    data = Path(os.environ.get("DATA") or ".bellrock").absolute()
    return Options(int(port), data, bool(os.environ.get("ONCE")))


@asynccontextmanager
async def running_server(options: Options) -> AsyncIterator[Server]:
    """`bellrock dev` at the port: the one that is already there with our data, or our own."""
    if is_taken(options.port):
        yield await server_already_there(options)
        return
    options.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with options.log.open("ab") as log:
        arguments = ("dev", "--port", str(options.port), "--data-dir", options.data)
        nothing = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(
            BELLROCK, *arguments, stdin=nothing, stdout=log, stderr=log
        )
    try:
        await until_healthy(options, process)
        yield server_of(options)
    finally:
        await stop(process)


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def server_already_there(options: Options) -> Server:
    busy = Trouble(f"port {options.port} is in use by another program: stop it, or: make run PORT=3001")
    try:
        server = server_of(options)
        async with connect(server) as client:
            await client.accounts.me()
    except (OSError, ValueError, ClientError) as error:
        raise busy from error
    print(f"Bellrock already runs at {server.url} with this data: using it.")
    return server


def server_of(options: Options) -> Server:
    content = (options.data / "credentials.json").read_text("utf-8")
    credentials = Credentials.model_validate_json(content)
    return Server(options.url, credentials.api_key, credentials.account_id)


async def until_healthy(options: Options, process: asyncio.subprocess.Process) -> None:
    async with httpx2.AsyncClient(base_url=options.url, timeout=2) as client:
        try:
            async with asyncio.timeout(START_S):
                while not await is_healthy(client):
                    if process.returncode is not None:
                        raise Trouble(f"bellrock dev ended at its start:\n{tail(options.log)}")
                    await asyncio.sleep(0.2)
        except TimeoutError:
            raise Trouble(f"bellrock dev was not healthy in {START_S} s:\n{tail(options.log)}") from None


async def is_healthy(client: httpx2.AsyncClient) -> bool:
    try:
        return (await client.get("/healthz")).is_success
    except httpx2.TransportError:
        return False


def tail(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-LOG_LINES_SHOWN:])


async def stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        process.kill()
        await process.wait()
