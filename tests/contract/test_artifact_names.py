"""Whatever a suite calls its files, each is kept by its own name, in a real folder."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from bellrock.artifacts.keys import of_run, safe_name
from bellrock.artifacts.store import folder_store
from bellrock.domain.errors import Invalid

NAMES = ["shot#1", "shot#1_", "shot#12", "a#2/b", "50%", "50%25", "ü b+c&d=e?.txt", "…/☃.png", "#7", "x.part"]


async def chunks(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def test_files_are_read_back_by_the_names_they_were_given(tmp_path: Path) -> None:
    store, run_id = folder_store(tmp_path), uuid4()
    for name in NAMES:
        await store.put(of_run(run_id, 1, safe_name(name)), chunks(name.encode()), max_bytes=100)
    for name in NAMES:
        read = [chunk async for chunk in await store.open(of_run(run_id, 1, name))]
        assert b"".join(read) == name.encode()
    assert (await store.delete_below(f"runs/{run_id}")).files == len(NAMES)


@pytest.mark.parametrize("name", ["../a", "a/../b", "a//b", "/a", ".", "a\0b", "a\\b", "n" * 201])
def test_a_name_that_leads_elsewhere_is_no_name(name: str) -> None:
    with pytest.raises(Invalid, match="artifact name"):
        safe_name(name)
