"""New databases that have the newest schema already.

To migrate an empty one takes longer than most tests of it: that is done once in each process, and copied.
"""

import asyncio
import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from bellrock.store.database import open_database


async def new_sqlite(folder: Path) -> str:
    """A file in this folder; its URL."""
    template = _own_folder() / "migrated.sqlite"
    if not template.exists():
        making = template.with_name("making.sqlite")
        await migrate(f"sqlite:///{making}")
        making.rename(template)
    file = folder / "bellrock.sqlite"
    await asyncio.to_thread(shutil.copyfile, template, file)
    return f"sqlite:///{file}"


async def migrate(url: str) -> None:
    """Give an empty database the newest schema, and leave it."""
    await (await open_database(url)).close()


@cache
def _own_folder() -> Path:
    folder = tempfile.TemporaryDirectory(prefix="bellrock-migrated-")
    atexit.register(folder.cleanup)
    return Path(folder.name)
