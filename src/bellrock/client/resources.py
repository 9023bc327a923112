"""Everything of the API that is not a session: checks, projects, bundles, keys, the account."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote
from uuid import UUID

from bellrock.client.answers import parse
from bellrock.client.errors import ApiError, OddAnswer
from bellrock.client.models import (
    Account,
    Change,
    CheckInfo,
    Deployment,
    DeployResult,
    Destroyed,
    KeyInfo,
    User,
)
from bellrock.client.transport import Parameter, Transport


class Checks:
    """Deployed checks."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(
        self,
        *,
        page: int = 1,
        limit: int = 25,
        tags: Sequence[str] = (),
        check_type: str | None = None,
        search: str | None = None,
    ) -> tuple[CheckInfo, ...]:
        """One page of checks."""
        query: dict[str, Parameter] = {
            "page": page,
            "limit": limit,
            "tag": tuple(tags) or None,
            "checkType": check_type,
            "search": search,
        }
        answer = await self._transport.get("/v1/checks", query=query)
        return tuple(parse(CheckInfo, check) for check in answer)

    async def get(self, check_id: UUID) -> CheckInfo:
        """One check."""
        return parse(CheckInfo, await self.body(check_id))

    async def body(self, check_id: UUID) -> dict[str, Any]:
        """One check with everything that the API says of it."""
        return _body(await self._transport.get(f"/v1/checks/{check_id}"))

    async def bodies(self, *, page: int, limit: int, tags: Sequence[str] = ()) -> tuple[dict[str, Any], ...]:
        """One page of checks, likewise."""
        query: dict[str, Parameter] = {"page": page, "limit": limit, "tag": tuple(tags) or None}
        return tuple(map(_body, await self._transport.get("/v1/checks", query=query)))


def _body(answer: object) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise OddAnswer("The server's answer is no check.")
    return answer


class Projects:
    """Deploys of projects, and the bundles they need."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def upload_bundle(self, content: bytes) -> str:
        """Store a bundle; the key to name it by. Equal content has an equal key."""
        answer = await self._transport.upload("/next/checkly-storage/upload-code-bundle", content)
        if not isinstance(answer, dict) or not isinstance(answer.get("key"), str):
            raise OddAnswer("The server's answer to the upload of a bundle holds no key.")
        return str(answer["key"])

    async def preview(
        self, request: Mapping[str, object], *, preserve_resources: bool = False
    ) -> DeployResult:
        """What a deploy would change. Changes nothing."""
        query = {"dryRun": "true", **_preserve(preserve=preserve_resources)}
        return parse(DeployResult, await self._transport.post("/v1/projects/deploy", request, query=query))

    async def deploy(
        self, request: Mapping[str, object], *, schedule_on_deploy: bool, preserve_resources: bool = False
    ) -> Deployment:
        """Begin a deploy; see `completion`."""
        query = {
            "dryRun": "false",
            "scheduleOnDeploy": "true" if schedule_on_deploy else "false",
            **_preserve(preserve=preserve_resources),
        }
        answer = await self._transport.post("/v1/projects/deploy", request, query=query, timeout_s=120.0)
        return parse(Deployment, answer)

    async def destroy(
        self, logical_id: str, *, preserve_resources: bool, dry_run: bool
    ) -> tuple[Change, ...]:
        """Delete a project with all that it deployed, or detach that; what was, or would be."""
        query = {"dryRun": "true" if dry_run else "false", **_preserve(preserve=preserve_resources)}
        answer = await self._transport.delete(f"/v1/projects/{quote(logical_id, safe='')}", query=query)
        return parse(Destroyed, answer).diff

    async def completion(self, logical_id: str, deployment_id: UUID) -> Deployment:
        """A deploy once it is over."""
        path = f"/v1/projects/{quote(logical_id, safe='')}/deployments/{deployment_id}/completion"
        while True:
            try:
                answer = await self._transport.get(path, query={"maxWaitSeconds": 20}, timeout_s=40.0)
            except ApiError as refusal:
                if refusal.status != HTTPStatus.REQUEST_TIMEOUT:
                    raise
            else:
                return parse(Deployment, answer)


class Accounts:
    """Who a key is, and the account's other keys."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def accounts(self) -> tuple[Account, ...]:
        """The accounts the key can act in."""
        return tuple(parse(Account, account) for account in await self._transport.get("/next/accounts"))

    async def me(self) -> User:
        """Who the key is."""
        return parse(User, await self._transport.get("/next/users/me"))

    async def keys(self) -> tuple[KeyInfo, ...]:
        """All keys of the account."""
        return tuple(parse(KeyInfo, key) for key in await self._transport.get("/v1/api-keys"))

    async def create_key(self, *, name: str, kind: str, role: str) -> KeyInfo:
        """Make a key; only this answer holds its secret."""
        body = {"name": name, "kind": kind, "role": role}
        return parse(KeyInfo, await self._transport.post("/v1/api-keys", body))

    async def revoke_key(self, key_id: UUID) -> None:
        """Delete a key."""
        await self._transport.delete(f"/v1/api-keys/{key_id}")


def _preserve(*, preserve: bool) -> dict[str, str]:
    return {"preserveResources": "true"} if preserve else {}
