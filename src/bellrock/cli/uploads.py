"""Packs and uploads the suites of a project: each folder once, however many checks share it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from bellrock.client.api import BellrockClient
from bellrock.project.checks import AnyCheck, PlaywrightCheck
from bellrock.project.packing import PackedSuite, pack_suite
from bellrock.project.payloads import UploadedSuite


async def upload_suites(
    client: BellrockClient, folder: Path, checks: Mapping[str, AnyCheck]
) -> Mapping[str, UploadedSuite]:
    """The uploaded suite of each Playwright check, by logical id. Raises ProjectError, ClientError."""
    keys: dict[str, str] = {}
    uploaded: dict[str, UploadedSuite] = {}
    for logical_id, check in checks.items():
        if not isinstance(check, PlaywrightCheck):
            continue
        packed: PackedSuite = await asyncio.to_thread(pack_suite, folder, check)
        if packed.sha256 not in keys:
            keys[packed.sha256] = await client.projects.upload_bundle(packed.content)
        uploaded[logical_id] = UploadedSuite(keys[packed.sha256], packed)
    return uploaded
