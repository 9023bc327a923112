"""The configuration of an account on both databases: what happens at once, and what is kept apart."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace

import pytest

from bellrock.domain.checks import EnvironmentVariable, Subscription
from bellrock.domain.errors import Conflict, Invalid
from bellrock.domain.groups import FALLBACK, ApiDefaults, CheckGroup, GroupRetry
from bellrock.domain.retries import DOUBLE_CHECK
from bellrock.domain.specs import Assertion, BasicAuth, KeyValue
from bellrock.services.checks import list_checks
from bellrock.services.groups import create_group, delete_group, get_group, list_groups, update_group
from bellrock.services.private_locations import (
    LocationDraft,
    LocationView,
    add_key,
    create_location,
    delete_location,
    get_location,
    list_locations,
)
from bellrock.services.snippets import create_snippet, delete_snippet
from bellrock.services.variables import create_variable, get_variable, list_variables, update_variable
from bellrock.store.database import Database
from tests.unit.services.world import World, world_on


@pytest.fixture
async def world(database: Database) -> AsyncIterator[World]:
    async with world_on(database) as made:
        yield made


async def refused(*asked: Awaitable[object]) -> list[type[BaseException] | None]:
    """What became of questions asked at the same moment: None where it went well."""
    answers = await asyncio.gather(*asked, return_exceptions=True)
    return [type(each) if isinstance(each, BaseException) else None for each in answers]


async def test_of_variables_with_one_key_made_at_once_exactly_one_is_saved(world: World) -> None:
    wanted = [EnvironmentVariable("KEY", f"value {number}") for number in range(4)]
    ends = await refused(*(create_variable(world.platform, world.owner, each) for each in wanted))
    assert sorted(ends, key=str) == [Conflict, Conflict, Conflict, None]
    (kept,) = await list_variables(world.platform, world.owner)
    assert kept.value == f"value {ends.index(None)}"


async def test_a_variable_survives_its_change(world: World) -> None:
    await create_variable(world.platform, world.owner, EnvironmentVariable("KEY", "old", secret=True))
    changed = await update_variable(world.platform, world.owner, EnvironmentVariable("KEY", "new"))
    assert (changed.secret, changed.value) == (True, None)
    assert await get_variable(world.platform, world.owner, "KEY") == changed


async def office(world: World) -> LocationView:
    return await create_location(world.platform, world.owner, LocationDraft("Office", "office"))


async def test_of_locations_with_one_slug_made_at_once_exactly_one_is_saved(world: World) -> None:
    ends = await refused(*(office(world) for _ in range(4)))
    assert sorted(ends, key=str) == [Conflict, Conflict, Conflict, None]
    (kept,) = await list_locations(world.platform, world.owner)
    assert len(kept.keys) == 1


async def test_of_keys_made_at_once_a_location_gets_no_more_than_two(world: World) -> None:
    made = await office(world)
    ends = await refused(*(add_key(world.platform, world.owner, made.location.id) for _ in range(4)))
    assert sorted(ends, key=str) == [Conflict, Conflict, Conflict, None]
    assert len((await get_location(world.platform, world.owner, made.location.id)).keys) == 2


async def test_a_location_that_goes_while_a_check_comes_leaves_no_check_without_a_location(
    world: World,
) -> None:
    for number in range(5):
        made = await office(world)
        gone, saved = await refused(
            delete_location(world.platform, world.owner, made.location.id),
            world.suite(f"suite {number}", "office"),
        )
        assert (gone, saved) in [(None, Invalid), (Conflict, None)]
        if saved is None:
            break
    left = (await list_checks(world.platform, world.owner)).checks
    assert len(left) == len(await list_locations(world.platform, world.owner))


# --- groups and snippets ----------------------------------------------------------------------


def shop(before: CheckGroup) -> CheckGroup:
    """A group that says something of everything."""
    return replace(
        before,
        name="Shop",
        tags=("a",),
        locations=("eu-central-1",),
        api_defaults=ApiDefaults(
            "https://api.example",
            (KeyValue("A", "a", locked=True),),
            (KeyValue("q", "1"),),
            (Assertion("HEADERS", "CONTAINS", "x", "a", "(x)"),),
            BasicAuth("ada", "pw"),
        ),
        environment=(EnvironmentVariable("KEY", "value"),),
        alert_settings={"escalationType": "RUN_BASED", "reminders": {"amount": 0}},
        subscriptions=(Subscription(3, activated=True),),
        setup_script="before()",
        use_global_alert_settings=True,
        run_parallel=False,
    )


@pytest.mark.parametrize("retry", [None, FALLBACK, DOUBLE_CHECK])
async def test_a_group_is_read_as_it_was_saved(world: World, retry: GroupRetry | None) -> None:
    def wanted(before: CheckGroup) -> CheckGroup:
        return replace(shop(before), retry=retry)

    made = await create_group(world.platform, world.owner, wanted)
    assert made == wanted(replace(made, retry=None))
    assert await get_group(world.platform, world.owner, made.id) == made
    changed = await update_group(
        world.platform, world.owner, made.id, change=lambda group: replace(group, name="Renamed")
    )
    assert changed == replace(made, name="Renamed", updated_at=changed.updated_at)
    assert await list_groups(world.platform, world.owner) == (changed,)


async def test_a_group_that_goes_while_a_check_comes_leaves_no_check_without_a_group(world: World) -> None:
    for number in range(5):
        made = await create_group(world.platform, world.owner, shop)
        gone, saved = await refused(
            delete_group(world.platform, world.owner, made.id),
            world.suite(f"suite {number}", group_id=made.id),
        )
        assert (gone, saved) in [(None, Invalid), (Conflict, None)]
    groups = {group.id for group in await list_groups(world.platform, world.owner)}
    checks = (await list_checks(world.platform, world.owner)).checks
    assert {check.group_id for check in checks} == groups


async def test_numeric_ids_are_never_used_again(world: World) -> None:
    group = await create_group(world.platform, world.owner, shop)
    await delete_group(world.platform, world.owner, group.id)
    assert (await create_group(world.platform, world.owner, shop)).id > group.id
    snippet = await create_snippet(world.platform, world.owner, name="a", script="a()")
    await delete_snippet(world.platform, world.owner, snippet.id)
    assert (await create_snippet(world.platform, world.owner, name="a", script="a()")).id > snippet.id
