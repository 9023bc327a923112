"""The API's description of itself, as anybody can read it."""

import asyncio
from pathlib import Path

from tests.support.api_client import Api
from tests.support.schemas import own_document
from tests.support.server import RunningServer


async def test_others_are_answered_while_the_document_is_made(tmp_path: Path) -> None:
    server = RunningServer(tmp_path)
    await asyncio.to_thread(server.start)
    nobody = Api(server, None)
    asked = asyncio.create_task(nobody.get("/openapi.json"))
    await nobody.http.get("/healthz")
    assert not asked.done()
    document = await asked
    assert await nobody.get("/openapi.json") == document
    assert document == own_document(), "what answers are held against"
    assert document["paths"]["/v1/check-sessions/{checkSessionId}/cancel"]["post"]["responses"]["204"]
    await nobody.close()
    await asyncio.to_thread(server.stop)
