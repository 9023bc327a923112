"""How files move between runner and control plane: over HTTP, authorised by the claim token.

Bundles are kept by content in the runner's cache folder, so that a suite that runs every few
minutes is fetched once.
"""

import asyncio
import hashlib
import os
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx2
import structlog

from bellrock.domain.outcomes import Blame
from bellrock.runner.janitor import Pruned
from bellrock.wire.messages import Artifact, JobSpec

log = structlog.get_logger(__name__)

RUN_HEADER = "X-Bellrock-Run"
_CHUNK = 256 * 1024
_PARTIAL = ".part"
_CUT_OFF_S = 3_600.0
_TRIES = 4
_FIRST_WAIT_S = 0.3
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_TOO_EARLY = frozenset({408, 425, 429})


def unfinished_downloads(bundle_folder: Path) -> list[Path]:
    """Parts of bundles in a cache. Nobody's, unless a runner uses the cache now."""
    return list(bundle_folder.glob(f"*{_PARTIAL}"))


class TransferFailed(Exception):
    """A file could not be moved. ``blame`` says whose fault that is."""

    def __init__(self, message: str, *, blame: Blame) -> None:
        super().__init__(message)
        self.blame = blame


@dataclass(frozen=True, slots=True)
class TransferOptions:
    """``timeout_s`` bounds each try's silence, ``cache_bytes`` what the bundle cache may hold.

    ``control_url`` is how this runner reaches the control plane, where the job's own address does
    not lead there from here.
    """

    bundle_folder: Path
    control_url: str | None = None
    timeout_s: float = 60.0
    cache_bytes: int = 1024**3


class Transfer:
    """Moves files for all runs of a runner. One HTTP client, closed with `close`."""

    def __init__(self, options: TransferOptions) -> None:
        self._options = options
        self._client = httpx2.AsyncClient(
            timeout=options.timeout_s, trust_env=False, verify=ssl.create_default_context()
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def for_run(self, job: JobSpec, token: UUID) -> "RunTransfer":
        """The transfers of one run."""
        return RunTransfer(self._client, self._options, job=job, token=token)


class RunTransfer:
    """Fetches the bundle and uploads the artifacts of one run."""

    def __init__(
        self, client: httpx2.AsyncClient, options: TransferOptions, *, job: JobSpec, token: UUID
    ) -> None:
        self._client = client
        self._options = options
        self._control_url = options.control_url or job.control_url
        self._run_id = job.run_id
        self._token = token

    @property
    def _base(self) -> str:
        return f"{self._control_url.rstrip('/')}/runner/v1"

    @property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}", RUN_HEADER: str(self._run_id)}

    async def fetch(self, key: str) -> Path:
        """The bundle's file in the cache. Never changed afterwards: link or unpack it.

        :raises TransferFailed: the control plane refused it, or did not answer in several tries.
        """
        cached = self._options.bundle_folder / hashlib.sha256(key.encode()).hexdigest()
        if cached.exists():
            with suppress(OSError):
                os.utime(cached)  # the cache drops what was not used for long
            return cached
        self._options.bundle_folder.mkdir(parents=True, exist_ok=True)
        partial = cached.with_name(f"{cached.name}.{uuid4().hex}{_PARTIAL}")
        try:
            await self._retry(f"fetch the bundle {key}", lambda: self._download(key, partial))
            partial.rename(cached)
        finally:
            partial.unlink(missing_ok=True)
        await asyncio.to_thread(prune_bundles, self._options, keep=cached)
        return cached

    async def upload(self, path: Path, artifact: Artifact) -> None:
        """Send a file as the run's artifact. Sending a name again replaces it.

        :raises TransferFailed: refused (the run is no longer ours, too large), or no answer.
        """
        await self._retry(f"upload {artifact.name}", lambda: self._put(path, artifact))

    async def _download(self, key: str, target: Path) -> None:
        url = f"{self._base}/bundles/{quote(key, safe='')}"
        params = {"run_id": str(self._run_id)}
        async with self._client.stream("GET", url, headers=self._headers, params=params) as answer:
            await _refuse_errors(answer)
            with target.open("wb") as file:
                async for chunk in answer.aiter_bytes(_CHUNK):
                    file.write(chunk)

    async def _put(self, path: Path, artifact: Artifact) -> None:
        url = f"{self._base}/runs/{self._run_id}/artifacts/{quote(artifact.name)}"
        size = path.stat().st_size
        headers = {"Content-Type": artifact.content_type, "Content-Length": str(size)}
        answer = await self._client.put(url, content=_chunks(path, size), headers=self._headers | headers)
        await _refuse_errors(answer)

    async def _retry(self, what: str, attempt: Callable[[], Awaitable[None]]) -> None:
        wait_s = _FIRST_WAIT_S
        for remaining in reversed(range(_TRIES)):
            started = time.monotonic()
            try:
                await attempt()
                return
            except (httpx2.TransportError, _TryAgain) as error:
                if remaining == 0:
                    message = f"could not {what}: {str(error) or type(error).__name__}"
                    raise TransferFailed(message, blame=Blame.PLATFORM) from error
                took_s = round(time.monotonic() - started, 2)
                log.info("transfer.retry", run_id=str(self._run_id), what=what, took_s=took_s)
            except _Refused as error:
                raise TransferFailed(f"could not {what}: {error}", blame=Blame.PLATFORM) from error
            await asyncio.sleep(wait_s)
            wait_s *= 2


class _TryAgain(Exception):
    pass


class _Refused(Exception):
    pass


async def _refuse_errors(answer: httpx2.Response) -> None:
    if answer.status_code < _CLIENT_ERROR:
        return
    body = (await answer.aread())[:500].decode(errors="replace")
    message = f"HTTP {answer.status_code}: {body}"
    if answer.status_code >= _SERVER_ERROR or answer.status_code in _TOO_EARLY:
        raise _TryAgain(message)
    raise _Refused(message)


async def _chunks(path: Path, size: int) -> AsyncIterator[bytes]:
    """Exactly ``size`` bytes: a file that still grows must not break the announced length."""
    with path.open("rb") as file:
        while size > 0 and (chunk := file.read(min(_CHUNK, size))):
            size -= len(chunk)
            yield chunk


def prune_bundles(options: TransferOptions, *, keep: Path | None = None) -> Pruned:
    """Remove the bundles used longest ago, until the cache is in bounds, and fetches cut off. Blocking."""
    pruned = Pruned()
    kept: list[tuple[float, int, Path]] = []
    for path in options.bundle_folder.glob("*"):
        with suppress(FileNotFoundError):  # a fetch that ends meanwhile gives its file another name
            file = path.stat()
            if path.suffix != _PARTIAL:
                kept.append((file.st_mtime, file.st_size, path))
            elif file.st_mtime < time.time() - _CUT_OFF_S:
                path.unlink()
                pruned += Pruned(1, file.st_size)
    total = sum(size for _, size, _ in kept)
    for _, size, path in sorted(kept):
        if total > options.cache_bytes and path != keep:
            path.unlink(missing_ok=True)
            total -= size
            pruned += Pruned(1, size)
    return pruned
