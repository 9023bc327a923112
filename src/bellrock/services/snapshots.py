"""Snapshots: pictures that pages are compared with, uploaded by command lines, or made by a run.

Those of suites come with their code: of them only new ones are told of here.
"""

from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bellrock.artifacts import keys
from bellrock.domain.access import Principal, Right
from bellrock.domain.errors import Invalid, NotFound
from bellrock.domain.specs import BrowserCheck, PlaywrightSuite, Snapshot, Spec
from bellrock.services.ids import new_id
from bellrock.services.platform import Platform
from bellrock.services.results import open_artifact
from bellrock.services.views import ResultView
from bellrock.store.bundles import has_bundle, save_bundle
from bellrock.wire.messages import SNAPSHOTS

log = structlog.get_logger(__name__)

MOST_BYTES = 10 * 1024**2
_OF_RUN = "runs"


async def store_snapshot(platform: Platform, principal: Principal, chunks: AsyncIterator[bytes]) -> str:
    """Keep a picture; its key, which is made of its content. Raises TooLarge. Needs RUN.

    A check may name it from now on; one that nobody names is removed as unused bundles are.
    """
    principal.must(Right.RUN)
    waiting = keys.of_upload(new_id())
    stored = await platform.artifacts.put(waiting, chunks, max_bytes=MOST_BYTES)
    key = keys.snapshot_key(stored.sha256)
    async with platform.database.write() as connection:
        at = platform.clock()
        await save_bundle(connection, principal.account_id, key, size_bytes=stored.size_bytes, at=at)
        # In the transaction: the janitor, which removes row and object, comes before both or after both.
        await platform.artifacts.move(waiting, keys.of_bundle(key))
    log.info("snapshot.stored", key=key, size_bytes=stored.size_bytes)
    return key


async def open_snapshot(platform: Platform, principal: Principal, key: str) -> AsyncIterator[bytes]:
    """A picture, by the key of an upload or of a run's result. Needs VIEW.

    Raises NotFound where the account has none of that key.
    """
    principal.must(Right.VIEW)
    if keys.is_snapshot_key(key):
        async with platform.database.read() as connection:
            there = await has_bundle(connection, principal.account_id, key)
        if there:
            return await platform.artifacts.open(keys.of_bundle(key))
    elif (place := _place_in_run(key)) is not None:
        run_id, attempt, name = place
        _, chunks = await open_artifact(
            platform, principal, run_id, name=name, attempt=attempt, unrecorded=True
        )
        return chunks
    raise NotFound(f"There is no snapshot {key[:200]!r}.")


def made_snapshots(result: ResultView) -> tuple[Snapshot, ...]:
    """The pictures that a run made anew, with keys to open them by."""
    names = (file.name for file in result.artifacts if file.name.startswith(SNAPSHOTS))
    return tuple(
        Snapshot(f"{_OF_RUN}/{result.run_id}/{result.attempt}/{name}", name.removeprefix(SNAPSHOTS))
        for name in names
    )


def updating(spec: Spec) -> Spec:
    """A check whose run makes its pictures anew; other types have none."""
    return replace(spec, update_snapshots=True) if isinstance(spec, BrowserCheck | PlaywrightSuite) else spec


async def refuse_missing_snapshots(
    connection: AsyncConnection, account_id: UUID, specs: Iterable[tuple[str, Spec]]
) -> None:
    """Raise Invalid for a picture that was never uploaded. ``specs`` come with where they are."""
    there: set[str] = set()
    for where, spec in specs:
        for number, snapshot in enumerate(spec.snapshots if isinstance(spec, BrowserCheck) else ()):
            known = snapshot.key in there or (
                keys.is_snapshot_key(snapshot.key) and await has_bundle(connection, account_id, snapshot.key)
            )
            if not known:
                raise Invalid(
                    f"{where}snapshots[{number}].key: there is no snapshot {snapshot.key[:200]!r}. "
                    "Upload it first, and use the key of the answer."
                )
            there.add(snapshot.key)


def _place_in_run(key: str) -> tuple[UUID, int, str] | None:
    first, _, rest = key.partition("/")
    run_id, _, rest = rest.partition("/")
    attempt, _, name = rest.partition("/")
    if first != _OF_RUN or not name.startswith(SNAPSHOTS) or not attempt.isdecimal():
        return None
    try:
        return UUID(run_id), int(attempt[:9]), name
    except ValueError:
        return None
