"""The API as a test uses it: every answer is checked against the schema of its path, errors as well."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx2

from bellrock.api.errors import ErrorBody
from tests.support.plain_http import TRUSTS_NOBODY
from tests.support.schemas import AnswerChecker
from tests.support.server import RunningServer, TestAccount

Json = dict[str, Any]

EU, US = "eu-central-1", "us-east-1"
_TIMEOUT_S = 40.0


def bundle(marker: str = "") -> bytes:
    """A small code bundle. Another marker makes another bundle."""
    files = {
        "package.json": json.dumps({"name": "shop", "description": marker}),
        "package-lock.json": json.dumps({"name": "shop", "lockfileVersion": 3, "packages": {}}),
        "playwright.config.ts": "export default {}\n",
        "shop.spec.ts": "// nothing runs this in these tests\n",
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return gzip.compress(buffer.getvalue(), mtime=0)  # the same bytes whenever it is made


class Api:
    """One caller of the API. Close it with `close`."""

    def __init__(
        self,
        server: RunningServer,
        account: TestAccount | None,
        *,
        checkers: Sequence[AnswerChecker] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.server = server
        self.account = account
        self.checkers = tuple(checkers)
        keys = {"Authorization": f"Bearer {account.key}"} if account else {}
        self.http = httpx2.AsyncClient(
            base_url=server.url,
            headers={**keys, **(headers or {})},
            timeout=_TIMEOUT_S,
            verify=TRUSTS_NOBODY,
        )

    async def close(self) -> None:
        """Close its connections."""
        await self.http.aclose()

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """A request and its answer, checked against its schema."""
        answer = await self.http.request(method, path, **options)
        self._check(method, urlsplit(path).path, answer)
        return answer

    async def get(self, path: str, *, status: int = 200, **options: Any) -> Any:
        """The JSON of a GET that has to answer with this status."""
        return await self._json("GET", path, status, options)

    async def post(self, path: str, body: object = None, *, status: int = 201, **options: Any) -> Any:
        """The JSON of a POST; no body at all for None."""
        sent = {} if body is None else {"json": body}
        return await self._json("POST", path, status, {**sent, **options})

    async def put(self, path: str, body: object, *, status: int = 200) -> Any:
        """The JSON of a PUT."""
        return await self._json("PUT", path, status, {"json": body})

    async def delete(self, path: str, *, status: int = 204) -> Any:
        """The JSON of a DELETE, None for an empty answer."""
        return await self._json("DELETE", path, status, {})

    async def _json(self, method: str, path: str, status: int, options: Json) -> Any:
        answer = await self.request(method, path, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def _check(self, method: str, path: str, answer: httpx2.Response) -> None:
        if not answer.headers.get("content-type", "").startswith("application/json"):
            assert answer.is_success, f"an error that is not JSON: {answer.text}"
            return
        body = answer.json()
        if answer.is_error and path != "/healthz":
            assert ErrorBody.model_validate(body).status_code == answer.status_code
        for checker in self.checkers:
            problems = checker.problems(method, path, status=answer.status_code, body=body)
            assert not problems, problems

    # --- what most tests need first -----------------------------------------------------------

    async def upload_bundle(self, marker: str = "") -> str:
        """Store a bundle; its key."""
        answer = await self.post(
            "/next/checkly-storage/upload-code-bundle",
            status=200,
            content=bundle(marker),
            headers={"Content-Type": "application/octet-stream"},
        )
        return str(answer["key"])

    async def create_suite(self, *, locations: Sequence[str] = (EU,), **fields: Any) -> Json:
        """A deployed Playwright Check Suite."""
        key = await self.upload_bundle()
        body = {"name": "Shop", "codeBundlePath": key, "locations": list(locations), **fields}
        created: Json = await self.post("/v1/checks/playwright", body)
        return created

    async def create_url_monitor(self, *, locations: Sequence[str] = (EU,), **fields: Any) -> Json:
        """A deployed URL monitor."""
        request = {"url": "http://127.0.0.1:9/", "assertions": []}
        body = {"name": "Front page", "request": request, "locations": list(locations), **fields}
        created: Json = await self.post("/v1/checks/url", body)
        return created

    async def trigger(self, *check_ids: str, version: str = "v2") -> Json:
        """A check session of the first check, started by trigger."""
        target = {"target": {"checkId": list(check_ids)}}
        answer = await self.post(f"/{version}/check-sessions/trigger", target)
        started: Json = answer["sessions"][0]
        return started

    async def started_suite(self, *locations: str) -> tuple[Json, "Rows"]:
        """A new suite's check session, and its rows by location."""
        suite = await self.create_suite(locations=locations or (EU,))
        session = await self.trigger(suite["id"])
        return session, await self.rows(session["checkSessionId"])

    async def rows(self, session_id: str, *, version: str = "v2") -> "Rows":
        """The rows of a check session by location."""
        session = await self.get(f"/{version}/check-sessions/{session_id}")
        return {row["runLocation"]: row for row in session["results"]}

    async def start_test_session(self, *check_ids: str, location: str = EU, **fields: Any) -> Json:
        """A test session of deployed checks, and its rows."""
        body = {
            "name": "Pull request 7",
            "runLocation": location,
            "target": {"checkId": list(check_ids)},
            **fields,
        }
        started: Json = await self.post("/v1/test-sessions/trigger", body)
        return started

    async def cancel(
        self, kind: str, session_id: str | UUID, body: object = None, *, status: int = 204
    ) -> Any:
        """Cancel a session of this kind (`check` or `test`); no body at all for None."""
        return await self.post(f"/v1/{kind}-sessions/{session_id}/cancel", body, status=status)

    async def status(self, kind: str, session_id: str, *, version: str = "v2") -> str:
        """The status of a session now."""
        version = "v1" if kind == "test" else version
        return str((await self.get(f"/{version}/{kind}-sessions/{session_id}"))["status"])

    async def completion(self, kind: str, session_id: str, *, max_wait_s: int = 10) -> Json:
        """The session once it is final."""
        version = "v1" if kind == "test" else "v2"
        answer: Json = await self.get(
            f"/{version}/{kind}-sessions/{session_id}/completion",
            params={"maxWaitSeconds": max_wait_s},
        )
        return answer

    async def post_gzip(self, path: str, body: object, *, status: int) -> Any:
        """A POST whose body is gzip."""
        headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        content = gzip.compress(json.dumps(body).encode())
        return await self.post(path, status=status, content=content, headers=headers)


Rows = dict[str, Json]


def unknown_id() -> str:
    """An id that names nothing."""
    return str(uuid4())
