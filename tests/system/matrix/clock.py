"""A clock of its own for one process: a preloaded library adds the seconds that a file holds."""

import functools
import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

COMPILER = shutil.which("cc")
LIBRARY_NAME, OFFSET_NAME = "clock.so", "clock"
RIGHT = struct.pack("@l", 0)
"""What the file holds while the clock is right."""


@functools.cache
def library() -> bytes:
    """The compiled library."""
    assert COMPILER
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, LIBRARY_NAME)
        source = str(Path(__file__).with_suffix(".c"))
        subprocess.run((COMPILER, "-shared", "-fPIC", "-O1", "-o", made, source), check=True, timeout=60)
        return made.read_bytes()


def variables(folder: str, offset_name: str = OFFSET_NAME) -> dict[str, str]:
    """The environment of a process whose library and file lie in the folder."""
    return {"LD_PRELOAD": f"{folder}/{LIBRARY_NAME}", "CLOCK_OFFSET_FILE": f"{folder}/{offset_name}"}


def set_offset(file: Path, offset_s: int) -> None:
    """Move the clock. Seen at once by whoever has the file mapped: it is written in place."""
    with file.open("rb+", buffering=0) as content:
        content.write(struct.pack("@l", offset_s))
