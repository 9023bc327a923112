"""What groups make of their checks: when sessions begin, when runs are claimed, when checks are shown."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.domain.access import Principal, Right
from bellrock.domain.checks import Check, EnvironmentVariable
from bellrock.domain.groups import (
    ApiDefaults,
    CheckGroup,
    Prepared,
    placed,
    prepared,
    snippets_of,
    variables_in,
    with_api_defaults,
)
from bellrock.domain.runs import Run
from bellrock.domain.specs import ApiCheck, HostCertificate, KeyValue, Spec, SslMonitor, UrlMonitor
from bellrock.services.client_certificates import certificates_for_run
from bellrock.services.environment import unseal, without_secrets
from bellrock.services.variables import in_clear
from bellrock.store.checks import StoredCheck
from bellrock.store.groups import StoredGroup, group_of_check, load_groups
from bellrock.store.snippets import load_snippets
from bellrock.store.variables import StoredVariable, all_variables
from bellrock.store.vault import Vault

_SHOW_CERTIFICATES = (ApiCheck, UrlMonitor, SslMonitor)


async def with_groups(
    connection: AsyncConnection, account_id: UUID, checks: Sequence[StoredCheck]
) -> list[StoredCheck]:
    """The checks where and when their groups let them run, in the same order."""
    groups = await groups_of_checks(connection, account_id, [each.check for each in checks])
    return [replace(each, check=placed(each.check, _group_of(each.check, groups))) for each in checks]


async def in_their_groups(
    connection: AsyncConnection, checks: Mapping[UUID, StoredCheck]
) -> dict[UUID, StoredCheck]:
    """Checks of any accounts where and when their groups let them run."""
    placed_checks = dict(checks)
    grouped = [each for each in checks.values() if each.check.group_id is not None]
    for account_id in {each.check.account_id for each in grouped}:
        own = [each for each in grouped if each.check.account_id == account_id]
        placed_checks |= {each.check.id: each for each in await with_groups(connection, account_id, own)}
    return placed_checks


async def groups_of_checks(
    connection: AsyncConnection, account_id: UUID, checks: Sequence[Check]
) -> dict[int, StoredGroup]:
    """The groups that the checks are in, by id."""
    named = {each.group_id for each in checks if each.group_id is not None}
    return await load_groups(connection, account_id, named) if named else {}


def shown_in_group(
    vault: Vault, check: Check, groups: Mapping[int, StoredGroup], *, reader: Principal
) -> Check:
    """A check as it may be shown, with the settings of its group applied."""
    stored = groups.get(check.group_id) if check.group_id is not None else None
    if stored is None:
        return check
    shown = shown_group(vault, stored, reader)
    return replace(
        placed(check, shown),
        spec=with_api_defaults(check.spec, shown),
        environment=variables_in(shown, check.environment),
    )


def shown_group(vault: Vault, stored: StoredGroup, reader: Principal) -> CheckGroup:
    """A group as its reader may see it: without values of secrets, and of what is locked for non-writers."""
    group = in_clear_group(vault, stored)
    group = replace(group, environment=without_secrets(group.environment))
    if reader.may(Right.EDIT):
        return group
    hidden = tuple(replace(each, value="") if each.locked else each for each in group.environment)
    return replace(group, environment=hidden, api_defaults=_without_locked(group.api_defaults))


def _without_locked(defaults: ApiDefaults) -> ApiDefaults:
    def hide(pairs: tuple[KeyValue, ...]) -> tuple[KeyValue, ...]:
        return tuple(replace(each, value="") if each.locked else each for each in pairs)

    return replace(defaults, headers=hide(defaults.headers), query=hide(defaults.query))


def in_clear_group(vault: Vault, stored: StoredGroup) -> CheckGroup:
    """A group with its variables in clear."""
    return replace(stored.group, environment=unseal(vault, stored.sealed_environment))


@dataclass(frozen=True, slots=True)
class RunConfiguration:
    """What the account and the check's group add to a run, as it is when the run is claimed."""

    group: StoredGroup | None
    variables: Sequence[StoredVariable]
    snippets: Mapping[int, str]
    certificates: tuple[HostCertificate, ...] = ()


async def load_configuration(
    connection: AsyncConnection, vault: Vault, run: Run, spec: Spec
) -> RunConfiguration:
    """What the account and the check's group add to a run of this specification."""
    group = await group_of_check(connection, run.check_id) if run.check_id is not None else None
    variables = await all_variables(connection, run.account_id)
    needed = snippets_of(spec, group.group if group else None)
    found = await load_snippets(connection, run.account_id, needed) if needed else {}
    scripts = {each.id: each.script for each in found.values()}
    shows_certificates = isinstance(spec, _SHOW_CERTIFICATES)
    certificates = await certificates_for_run(connection, vault, run.account_id) if shows_certificates else ()
    return RunConfiguration(group, variables, scripts, certificates)


async def load_configurations(
    connection: AsyncConnection, vault: Vault, checks: Collection[StoredCheck]
) -> dict[UUID, RunConfiguration]:
    """What accounts and groups add to a run of each of many checks, by the check's id: read once for all."""
    found: dict[UUID, RunConfiguration] = {}
    for account_id in {each.check.account_id for each in checks}:
        of_account = [each.check for each in checks if each.check.account_id == account_id]
        groups = await groups_of_checks(connection, account_id, of_account)
        variables = await all_variables(connection, account_id)
        named = {each.id: snippets_of(each.spec, _group_of(each, groups)) for each in of_account}
        needed = frozenset().union(*named.values())
        snippets = await load_snippets(connection, account_id, needed) if needed else {}
        shows = any(isinstance(each.spec, _SHOW_CERTIFICATES) for each in of_account)
        certificates = await certificates_for_run(connection, vault, account_id) if shows else ()
        for each in of_account:
            scripts = {key: snippets[key].script for key in named[each.id] if key in snippets}
            group = groups.get(each.group_id) if each.group_id is not None else None
            found[each.id] = RunConfiguration(group, variables, scripts, certificates)
    return found


def configured(
    vault: Vault, added: RunConfiguration, spec: Spec, own: Sequence[EnvironmentVariable]
) -> Prepared:
    """What the runner gets: everything complete, and in clear."""
    return prepared(
        spec,
        own,
        group=in_clear_group(vault, added.group) if added.group else None,
        of_account=[in_clear(vault, each) for each in added.variables],
        snippets=added.snippets,
    )


def _group_of(check: Check, groups: Mapping[int, StoredGroup]) -> CheckGroup | None:
    stored = groups.get(check.group_id) if check.group_id is not None else None
    return stored.group if stored else None
