"""What probes get in tests: tools with a deadline, and a look at what they found."""

import asyncio
import json
import shutil
import sys
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import pytest

from bellrock.domain.outcomes import Blame, Verdict
from bellrock.domain.specs import HostCertificate, Spec
from bellrock.runner.network import NetworkGuard
from bellrock.runner.probing import ProbeResult, ProbeTools
from bellrock.wire.messages import JobSpec

LATE_S = 10.0
"""A probe that keeps a deadline of less than a second is done by then, however slow the machine is."""


def tools_for(
    spec: Spec,
    *,
    left_s: float = 20.0,
    said: list[str] | None = None,
    guard: NetworkGuard | None = None,
    certificates: tuple[HostCertificate, ...] = (),
) -> ProbeTools:
    job = JobSpec(
        run_id=uuid4(),
        session_id=uuid4(),
        account_id=uuid4(),
        attempt=1,
        attempt_id=uuid4(),
        check_id=None,
        check_name="Probe",
        location="eu-central-1",
        spec=spec,
        environment=(),
        record=False,
        client_certificates=certificates,
        control_url="http://127.0.0.1:9",
    )
    heard = [] if said is None else said
    return ProbeTools(job, time.monotonic() + left_s, heard.append, guard=guard)


def verdict_of(result: ProbeResult) -> tuple[Verdict, Blame | None, str | None]:
    """How it ended; on the way its result body is held to be plain JSON."""
    assert json.loads(json.dumps(result.details, allow_nan=False)) == result.details
    outcome = result.outcome
    return outcome.verdict, outcome.blame, outcome.code


def part(result: ProbeResult, name: str) -> Any:
    """A part of the result body."""
    return result.details[name]


def assertion_errors(result: ProbeResult) -> list[str | None]:
    listed: list[Mapping[str, str | None]] = part(result, "assertions")
    return [each["error"] for each in listed]


async def in_network_of_its_own(script: str, *, prepared_by: str = "true") -> list[str]:
    """The lines that a Python script prints where there is no network but what a shell prepares before.

    Mounts of that shell are its own, too.

    The test is skipped where this user cannot have one.
    """
    if shutil.which("unshare") is None or shutil.which("ip") is None:
        pytest.skip("a network of its own needs unshare (util-linux) and ip (iproute2)")
    command = f'{prepared_by} || exit 77; exec "$0" -c "$1"'
    process = await asyncio.create_subprocess_exec(
        "unshare",
        "--net",
        "--mount",
        "sh",
        "-c",
        command,
        sys.executable,
        script,
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        printed, _ = await process.communicate()
    if not printed:
        pytest.skip("no network namespaces for this user")
    return printed.decode().splitlines()
