"""Checks: saved, changed, listed, deleted. What may be saved is decided here and in `check_payload`."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import PurePosixPath
from uuid import UUID, uuid4

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.artifacts.keys import is_bundle_key
from bellrock.domain.access import Principal, Right
from bellrock.domain.check_status import StatusWord
from bellrock.domain.checks import (
    FREQUENCIES_MIN,
    MINUTES_ONLY,
    Check,
    CheckPolicy,
    EnvironmentVariable,
)
from bellrock.domain.errors import Invalid, NotFound
from bellrock.domain.locations import refuse_unknown_locations
from bellrock.domain.schedule import OFFSETS_S
from bellrock.domain.specs import ApiCheck, CheckType, Heartbeat, PlaywrightSuite, Spec
from bellrock.services.check_statuses import statuses_of
from bellrock.services.environment import seal, unseal, with_kept_secrets, without_secrets
from bellrock.services.grouping import groups_of_checks, shown_in_group
from bellrock.services.heartbeat_monitors import follow_check
from bellrock.services.ids import new_id
from bellrock.services.platform import Platform
from bellrock.services.private_locations import usable_locations
from bellrock.services.snapshots import refuse_missing_snapshots
from bellrock.services.snippets import refuse_unknown_snippets
from bellrock.services.views import CheckPage
from bellrock.store import checks as store
from bellrock.store.bundles import has_bundle
from bellrock.store.checks import StoredCheck
from bellrock.store.groups import group_to_join

log = structlog.get_logger(__name__)

_LONGEST_NAME = 255
_MOST_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class CheckDraft:
    """A check as somebody wants it. ``environment=None`` keeps the variables a check has.

    A secret variable with an empty value keeps the value it has.
    """

    type: CheckType
    name: str
    spec: Spec
    activated: bool = True
    muted: bool = False
    locations: tuple[str, ...] = ()
    private_locations: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    frequency_min: int = 10
    frequency_offset_s: int | None = None
    run_parallel: bool = False
    environment: tuple[EnvironmentVariable, ...] | None = None
    description: str | None = None
    policy: CheckPolicy = field(default_factory=CheckPolicy)
    group_id: int | None = None
    group_order: int | None = None

    @property
    def places(self) -> tuple[str, ...]:
        """Everywhere it would run."""
        return (*self.locations, *self.private_locations)


_IN_BOTH = tuple(each.name for each in fields(CheckDraft) if each.name != "environment")


def draft_of(check: Check) -> CheckDraft:
    """A draft that would change nothing, to be altered with `dataclasses.replace`."""
    return CheckDraft(**{name: getattr(check, name) for name in _IN_BOTH})


async def create_check(platform: Platform, principal: Principal, draft: CheckDraft) -> Check:
    """Save a new check. Raises Invalid naming the field. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        await refuse_bad_draft(connection, principal.account_id, draft)
        stored = new_check(platform, principal.account_id, draft)
        await store.insert_check(connection, stored)
        await follow_check(connection, stored.check, at=stored.check.created_at)
    platform.schedule_bell.set()
    log.info("check.created", check_id=str(stored.check.id), type=str(draft.type))
    return shown_check(platform, stored)


async def update_check(
    platform: Platform, principal: Principal, check_id: UUID, *, change: Callable[[Check], CheckDraft]
) -> Check:
    """Replace a check by what ``change`` makes of it. Raises NotFound, Invalid (also for another type).

    Needs EDIT.
    """
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        before = await _load(connection, principal, check_id)
        draft = change(before.check)
        if before.check.type is not draft.type:
            raise Invalid(f"checkType: a {before.check.type} check cannot become a {draft.type} check.")
        await refuse_bad_draft(connection, principal.account_id, draft)
        stored = changed_check(platform, before, draft)
        await store.update_check(connection, stored)
        await follow_check(connection, stored.check, at=platform.clock())
    platform.schedule_bell.set()
    log.info("check.updated", check_id=str(check_id))
    return shown_check(platform, stored)


async def get_check(
    platform: Platform, principal: Principal, check_id: UUID, *, apply_group: bool = False
) -> Check:
    """One check; values of secret variables are empty. Raises NotFound."""
    principal.must(Right.VIEW)
    async with platform.database.read() as connection:
        check = shown_check(platform, await _load(connection, principal, check_id))
        groups = await groups_of_checks(connection, check.account_id, [check]) if apply_group else {}
    return shown_in_group(platform.vault, check, groups, reader=principal)


async def list_checks(
    platform: Platform,
    principal: Principal,
    *,
    page: int = 1,
    limit: int = 10,
    tags: Sequence[str] = (),
    check_type: CheckType | None = None,
    search: str | None = None,
    status: StatusWord | None = None,
    apply_group: bool = False,
) -> CheckPage:
    """Checks by name, ``limit`` (1 to 100) per page from page 1; with any of the tags, in this status."""
    principal.must(Right.VIEW)
    if page < 1 or not 1 <= limit <= _MOST_PER_PAGE:
        raise Invalid(f"page starts at 1, limit is 1 to {_MOST_PER_PAGE}.")
    async with platform.database.read() as connection:
        found = await store.find_checks(
            connection, principal.account_id, check_type=check_type, search=search
        )
        if status is not None:
            now = {each.check_id: each.word for each in await statuses_of(connection, principal.account_id)}
            found = [each for each in found if now.get(each.check.id) is status]
        in_groups = [each.check for each in found] if apply_group else []
        groups = await groups_of_checks(connection, principal.account_id, in_groups)
    meant = [each for each in found if not tags or set(tags) & set(each.check.tags)]
    shown = [shown_check(platform, each) for each in meant[(page - 1) * limit : page * limit]]
    applied = (shown_in_group(platform.vault, each, groups, reader=principal) for each in shown)
    return CheckPage(tuple(applied), len(meant))


async def delete_check(platform: Platform, principal: Principal, check_id: UUID) -> None:
    """Delete a check. Its runs in flight go on, its sessions stay. Raises NotFound. Needs EDIT."""
    principal.must(Right.EDIT)
    async with platform.database.write() as connection:
        await _load(connection, principal, check_id)
        await store.delete_checks(connection, [check_id])
    log.info("check.deleted", check_id=str(check_id), by=str(principal.key_id))


async def refuse_bad_draft(
    connection: AsyncConnection, account_id: UUID, draft: CheckDraft, *, where: str = ""
) -> None:
    """Raise Invalid, naming ``where`` and the field, unless the draft can be saved."""
    if not 1 <= len(draft.name.strip()) <= _LONGEST_NAME:
        raise Invalid(f"{where}name: use 1 to {_LONGEST_NAME} characters.")
    of_group = await _places_of_group(connection, account_id, draft, where)
    if draft.activated and draft.type is not CheckType.HEARTBEAT and not (draft.places or of_group):
        raise Invalid(f"{where}locations: an activated check needs at least one location.")
    _refuse_bad_frequency(draft, where)
    served = await usable_locations(connection, account_id, wanted=draft.places)
    refuse_unknown_locations(draft.locations, served=served, field=f"{where}locations")
    for slug in draft.private_locations:
        if slug not in served:
            raise Invalid(f"{where}privateLocations: there is no private location {slug!r}.")
    if isinstance(draft.spec, ApiCheck):
        ids = (draft.spec.setup_snippet_id, draft.spec.teardown_snippet_id)
        snippets = dict(zip(("setupSnippetId", "tearDownSnippetId"), ids, strict=True))
        await refuse_unknown_snippets(connection, account_id, snippets, where=where)
    await refuse_bad_specs(connection, account_id, [(where, draft)])


async def _places_of_group(
    connection: AsyncConnection, account_id: UUID, draft: CheckDraft, where: str
) -> tuple[str, ...]:
    if draft.group_id is None:
        return ()
    stored = await group_to_join(connection, account_id, draft.group_id)
    if stored is None:
        raise Invalid(f"{where}groupId: there is no check group {draft.group_id}.")
    return stored.group.places


def _refuse_bad_frequency(draft: CheckDraft, where: str) -> None:
    if draft.type is CheckType.HEARTBEAT:
        return  # it has a period of its own, and is never run
    allowed = FREQUENCIES_MIN if draft.type in MINUTES_ONLY else (0, *FREQUENCIES_MIN)
    if draft.frequency_min not in allowed:
        raise Invalid(f"{where}frequency: use one of {', '.join(map(str, allowed))} (minutes).")
    if draft.frequency_min == 0 and draft.frequency_offset_s not in OFFSETS_S:
        seconds = ", ".join(map(str, OFFSETS_S))
        raise Invalid(f"{where}frequencyOffset: with a frequency of 0 use one of {seconds} (seconds).")


async def refuse_bad_specs(
    connection: AsyncConnection, account_id: UUID, drafts: Sequence[tuple[str, CheckDraft]]
) -> None:
    """Raise Invalid for a bundle or snapshot that was never uploaded, or for variables that repeat.

    ``drafts`` come with where they are. A thousand of them may share one bundle: each is looked for once.
    """
    await refuse_missing_snapshots(connection, account_id, ((where, draft.spec) for where, draft in drafts))
    wanted = {draft.spec.bundle_key for _, draft in drafts if isinstance(draft.spec, PlaywrightSuite)}
    there = {key for key in wanted if await has_bundle(connection, account_id, key)}
    for where, draft in drafts:
        if isinstance(draft.spec, PlaywrightSuite):
            _refuse_bad_suite(draft.spec, there, where=where)
        keys = [each.key for each in draft.environment or ()]
        repeated = sorted({key for key in keys if keys.count(key) > 1 or not key})
        if repeated:
            raise Invalid(
                f"{where}environmentVariables: each needs a key of its own, not {repeated[0]!r} twice."
            )


def _refuse_bad_suite(suite: PlaywrightSuite, bundles: Collection[str], *, where: str) -> None:
    if suite.bundle_key not in bundles or not is_bundle_key(suite.bundle_key):
        raise Invalid(
            f"{where}codeBundlePath: there is no code bundle {suite.bundle_key!r}. "
            "Upload it first, and use the key of the answer."
        )
    if _leaves_the_bundle(suite.working_dir):
        raise Invalid(
            f"{where}workingDir: use a folder of the bundle, relative to its root and without '..'."
        )


def new_check(
    platform: Platform,
    account_id: UUID,
    draft: CheckDraft,
    *,
    project_id: str | None = None,
    logical_id: str | None = None,
) -> StoredCheck:
    """A check to insert."""
    draft = replace(draft, spec=_with_token(draft.spec, None))
    at = platform.clock()
    check = Check(
        id=new_id(),
        account_id=account_id,
        created_at=at,
        activated_at=at if draft.activated else None,
        project_id=project_id,
        logical_id=logical_id,
        **{name: getattr(draft, name) for name in _IN_BOTH},
    )
    return StoredCheck(check, seal(platform.vault, with_kept_secrets(draft.environment or (), ())))


def changed_check(platform: Platform, before: StoredCheck, draft: CheckDraft) -> StoredCheck:
    """The check as the draft wants it, to write over the one before."""
    draft = replace(draft, spec=_with_token(draft.spec, before.check.spec))
    changes = {name: getattr(draft, name) for name in _IN_BOTH}
    at = platform.clock()
    activated_at = before.check.activated_at if before.check.activated else at
    check = replace(
        before.check, **changes, updated_at=at, activated_at=activated_at if draft.activated else None
    )
    if draft.environment is None:
        return StoredCheck(check, before.sealed_environment)
    kept = unseal(platform.vault, before.sealed_environment)
    return StoredCheck(check, seal(platform.vault, with_kept_secrets(draft.environment, kept)))


def _with_token(spec: Spec, before: Spec | None) -> Spec:
    """A heartbeat that names no token keeps the one it has, or gets one."""
    if not isinstance(spec, Heartbeat) or spec.ping_token:
        return spec
    kept = before.ping_token if isinstance(before, Heartbeat) else ""
    return replace(spec, ping_token=kept or str(uuid4()))


def is_same_check(platform: Platform, before: StoredCheck, after: StoredCheck) -> bool:
    """Whether a change changes nothing that anybody could see."""
    if replace(after.check, updated_at=before.check.updated_at) != before.check:
        return False
    vault = platform.vault
    return unseal(vault, before.sealed_environment) == unseal(vault, after.sealed_environment)


def shown_check(platform: Platform, stored: StoredCheck) -> Check:
    """A check as it may be shown: with its variables, without the values of secrets."""
    environment = unseal(platform.vault, stored.sealed_environment)
    return replace(stored.check, environment=without_secrets(environment))


async def _load(connection: AsyncConnection, principal: Principal, check_id: UUID) -> StoredCheck:
    stored = await store.load_check(connection, principal.account_id, check_id)
    if stored is None:
        raise NotFound(f"There is no check {check_id}.")
    return stored


def _leaves_the_bundle(working_dir: str) -> bool:
    path = PurePosixPath(working_dir)
    return path.is_absolute() or ".." in path.parts
