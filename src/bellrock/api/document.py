"""The API's description of itself, made when it is first asked for: that takes seconds, and others go on."""

import asyncio
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response


class ApiDocument:
    """The OpenAPI 3.1 document of an application whose routes are all there."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._making = asyncio.Lock()
        self._text: bytes | None = None

    async def answer(self, _request: Request) -> Response:
        """The document, to anybody."""
        async with self._making:
            if self._text is None:
                self._text = await asyncio.to_thread(lambda: to_json(self.content()))
        return Response(self._text, media_type="application/json")

    def content(self) -> dict[str, Any]:
        """Made anew each time."""
        app = self._app
        schema = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemes = schema.setdefault("components", {}).setdefault("securitySchemes", {})
        schemes["key"] = {"type": "http", "scheme": "bearer"}
        schema["security"] = [{"key": []}]
        for methods in schema["paths"].values():
            for operation in methods.values():
                operation["responses"].pop("422", None)  # FastAPI's default; here it is a 400
        return schema
