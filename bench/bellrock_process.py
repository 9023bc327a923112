"""A Bellrock of a benchmark's own: a process tree in a temporary folder, reached as any client reaches it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx2

BELLROCK = Path(sys.executable).with_name("bellrock")
_ONLY_WHAT_IS_ASKED = {"BELLROCK_SCHEDULES": "false"}
_HEALTHY_S = 60
_STOP_S = 20


class BellrockProcess:
    """`bellrock dev`, `bellrock server`: from its start to `close`.

    ``folder`` becomes its data folder, its log lies beside it. ``settings`` are added to its
    environment. A server is healthy only with a runner: where there is none yet, say so.
    """

    def __init__(
        self,
        role: str,
        options: Sequence[str],
        *,
        folder: Path,
        settings: Mapping[str, str] | None = None,
        has_runner: bool = True,
    ) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{(port := free_port())}"
        command = [str(BELLROCK), role, "--port", str(port), "--data-dir", str(folder), *options]
        self._log = (folder.parent / f"{role}.log").open("wb")
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **_ONLY_WHAT_IS_ASKED, **(settings or {})},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        self._wait_until_it_answers(has_runner=has_runner)
        credentials = json.loads((folder / "credentials.json").read_text())
        self.environment = {
            **os.environ,
            "BELLROCK_URL": self.url,
            "BELLROCK_API_KEY": credentials["api_key"],
            "BELLROCK_ACCOUNT_ID": credentials["account_id"],
        }
        self.client = httpx2.AsyncClient(
            base_url=self.url,
            timeout=60,
            limits=httpx2.Limits(max_connections=256, max_keepalive_connections=256),
            headers={
                "Authorization": f"Bearer {credentials['api_key']}",
                "X-Checkly-Account": credentials["account_id"],
            },
        )

    def _wait_until_it_answers(self, *, has_runner: bool) -> None:
        deadline = time.monotonic() + _HEALTHY_S
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                healthy = httpx2.get(f"{self.url}/healthz").status_code == httpx2.codes.OK
                if healthy or not has_runner:
                    return
            except httpx2.TransportError:
                pass
            time.sleep(0.2)
        self.process.kill()
        raise SystemExit(f"Bellrock did not become healthy; its log is {self._log.name}")

    async def close(self) -> None:
        """Stop it, by its id."""
        await self.client.aclose()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self._log.close()


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
