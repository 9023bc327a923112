"""Members of an account, and what it may use."""

from collections.abc import Mapping
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from bellrock.api.auth import AdminCaller, Caller, PlatformOf, config_of
from bellrock.api.bodies.base import Answer, Ask, Instant, is_none
from bellrock.api.locations import LOCATION_NAMES
from bellrock.api.v1.accounts import PLAN, PLAN_NAME, refuse_other_account
from bellrock.domain.access import Principal, Role
from bellrock.services import entitlements, members
from bellrock.services.entitlements import Entitlement, Plan
from bellrock.services.members import Member, MemberPage

router = APIRouter(prefix="/v1/accounts", tags=["Accounts"])

_MINUTE_S = 60


class MemberFilters(BaseModel):
    """Which members. There are no invites: their type and their states find nobody."""

    model_config = ConfigDict(populate_by_name=True)

    search: str = Field("", max_length=500)
    type: Literal["member", "invite"] | None = None
    role: Role | None = None
    status: Literal["ACTIVE", "PENDING", "EXPIRED"] | None = None
    limit: int = Field(100, ge=1, le=100)
    next_id: str | None = Field(None, alias="nextId", min_length=1, max_length=500)


class RoleAsk(Ask):
    """A member's new role."""

    model_config = ConfigDict(extra="forbid")

    role: Literal[Role.ADMIN, Role.READ_WRITE, Role.READ_RUN, Role.READ_ONLY]


class MemberBody(Answer):
    """A member: who has a user key. ``userId`` is the key's id; ``email`` is an address that cannot exist."""

    type: Literal["member"] = "member"
    account_id: UUID
    user_id: UUID
    name: str
    email: str
    role: Role
    status: Literal["ACTIVE"] = "ACTIVE"
    created_at: Instant
    updated_at: Instant
    is_support_membership: bool = False
    sso_enabled: bool = False
    mfa_enabled: bool = False


class MembersBody(Answer):
    """A page of members."""

    members: tuple[MemberBody, ...]
    length: int
    next_id: str | None


class EntitlementBody(Answer):
    """What may be used, and how much of it where that is limited."""

    key: str
    name: str
    description: str
    type: Literal["flag", "metered"]
    enabled: bool = True
    quantity: int | None = Field(None, exclude_if=is_none)


class LocationBody(Answer):
    """A location. ``available``: a runner serves it now."""

    id: str
    name: str
    available: bool


class LocationsBody(Answer):
    """All locations. A check can run in as many of them as there are."""

    all: tuple[LocationBody, ...]
    max_per_check: int


class EntitlementsBody(Answer):
    """All that an account may use."""

    plan: str
    plan_display_name: str
    addons: dict[str, str]
    entitlements: tuple[EntitlementBody, ...]
    locations: LocationsBody


@router.get("/me/members")
async def list_own_members(
    platform: PlatformOf, caller: Caller, filters: Annotated[MemberFilters, Query()]
) -> MembersBody:
    """Members of the account, those who joined first first."""
    return await _members(platform, caller, filters)


@router.get("/{accountId}/members")
async def list_members(
    accountId: UUID,  # noqa: N803  (the contract's name, which errors repeat)
    platform: PlatformOf,
    caller: Caller,
    filters: Annotated[MemberFilters, Query()],
) -> MembersBody:
    """Members of the account that the key acts in."""
    refuse_other_account(caller, accountId)
    return await _members(platform, caller, filters)


@router.patch("/me/members/{userId}")
async def change_own_member(
    userId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: AdminCaller,
    body: RoleAsk,
) -> MemberBody:
    """Give a member another role."""
    return _member(await members.change_role(platform, caller, userId, body.role))


@router.patch("/{accountId}/members/{userId}")
async def change_member(
    accountId: UUID,  # noqa: N803
    userId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: AdminCaller,
    body: RoleAsk,
) -> MemberBody:
    """Give a member another role."""
    refuse_other_account(caller, accountId)
    return _member(await members.change_role(platform, caller, userId, body.role))


@router.delete("/me/members/{userId}", status_code=204)
async def remove_own_member(
    userId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: AdminCaller,
) -> Response:
    """Revoke a member's key, at once."""
    await members.remove_member(platform, caller, userId)
    return Response(status_code=204)


@router.delete("/{accountId}/members/{userId}", status_code=204)
async def remove_member(
    accountId: UUID,  # noqa: N803
    userId: UUID,  # noqa: N803
    platform: PlatformOf,
    caller: AdminCaller,
) -> Response:
    """Revoke a member's key, at once."""
    refuse_other_account(caller, accountId)
    await members.remove_member(platform, caller, userId)
    return Response(status_code=204)


@router.get("/me/entitlements")
async def get_own_entitlements(request: Request, platform: PlatformOf, caller: Caller) -> EntitlementsBody:
    """What the account may use: all that this installation has, with its limits."""
    return await _entitlements(request, platform, caller)


@router.get("/{accountId}/entitlements")
async def get_entitlements(
    accountId: UUID,  # noqa: N803
    request: Request,
    platform: PlatformOf,
    caller: Caller,
) -> EntitlementsBody:
    """What the account that the key acts in may use."""
    refuse_other_account(caller, accountId)
    return await _entitlements(request, platform, caller)


async def _members(platform: PlatformOf, caller: Principal, filters: MemberFilters) -> MembersBody:
    page = await members.list_members(
        platform,
        caller,
        search=filters.search,
        role=filters.role,
        limit=filters.limit,
        next_id=filters.next_id,
    )
    if filters.type == "invite" or filters.status in ("PENDING", "EXPIRED"):
        page = MemberPage((), None)
    return MembersBody(
        members=tuple(_member(each) for each in page.members),
        length=len(page.members),
        next_id=page.next_id,
    )


def _member(member: Member) -> MemberBody:
    return MemberBody(
        account_id=member.account_id,
        user_id=member.id,
        name=member.name,
        email=member.email,
        role=member.role,
        created_at=member.created_at,
        updated_at=member.updated_at,
    )


async def _entitlements(request: Request, platform: PlatformOf, caller: Principal) -> EntitlementsBody:
    limits = config_of(request).rate_limits
    per_minute = limits.requests * _MINUTE_S // limits.window_s
    plan = await entitlements.plan_of(platform, caller, requests_per_minute=per_minute)
    return EntitlementsBody(
        plan=PLAN,
        plan_display_name=PLAN_NAME,
        addons={},
        entitlements=tuple(_entitlement(each) for each in plan.entitlements),
        locations=_locations(plan, LOCATION_NAMES),
    )


def _entitlement(entitlement: Entitlement) -> EntitlementBody:
    return EntitlementBody(
        key=entitlement.key,
        name=entitlement.name,
        description=entitlement.description,
        type="flag" if entitlement.quantity is None else "metered",
        quantity=entitlement.quantity,
    )


def _locations(plan: Plan, names: Mapping[str, str]) -> LocationsBody:
    places = tuple(
        LocationBody(id=each.id, name=names.get(each.id, each.name), available=each.available)
        for each in plan.places
    )
    return LocationsBody(all=places, max_per_check=len(places))
