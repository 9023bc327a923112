"""How files are freed of secrets before they leave: text as it is, archives entry by entry.

An HTML report carries its data as a zip in base64 inside the page, so looking at the bytes of the
file alone would find nothing.
"""

import base64
import binascii
import io
import re
import shutil
import zipfile
from pathlib import Path

from bellrock.runner.scrub import Scrubber

# Compressed pictures and films: a secret in them is pixels, and a chance match would break them.
_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".gif", ".webm", ".mp4", ".woff", ".woff2", ".ico"})
_INLINE_ZIP = re.compile(rb"data:application/zip;base64,([A-Za-z0-9+/=]+)")
_LARGEST_IN_MEMORY_BYTES = 256 * 1024**2
_LARGEST_RATIO = 200


def copy_scrubbed(source: Path, target: Path, scrubber: Scrubber) -> None:
    """Copy a file without the secrets. Blocking; call it in a thread.

    :raises OSError: it cannot be read, or is larger than what is looked through (256 MiB).
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    if not scrubber.has_secrets or source.suffix.lower() in _PICTURES:
        shutil.copyfile(source, target)
        return
    if source.stat().st_size > _LARGEST_IN_MEMORY_BYTES:
        raise OSError(f"{source.name} is too large to be searched for secrets")
    target.write_bytes(_scrubbed(source.name, source.read_bytes(), scrubber))


def _scrubbed(name: str, content: bytes, scrubber: Scrubber) -> bytes:
    if Path(name).suffix.lower() in _PICTURES:
        return content
    if content.startswith(b"PK\x03\x04"):
        return _scrubbed_zip(content, scrubber)
    if b"data:application/zip;base64," in content:
        content = _INLINE_ZIP.sub(lambda found: _scrubbed_inline(found, scrubber), content)
    return scrubber.data(content)


def _scrubbed_inline(found: re.Match[bytes], scrubber: Scrubber) -> bytes:
    try:
        packed = base64.b64decode(found[1], validate=True)
    except binascii.Error:
        return found[0]
    return b"data:application/zip;base64," + base64.b64encode(_scrubbed_zip(packed, scrubber))


def _scrubbed_zip(content: bytes, scrubber: Scrubber) -> bytes:
    """The archive with its entries scrubbed; unchanged bytes where there was nothing to find."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if sum(info.file_size for info in infos) > max(len(content), 1) * _LARGEST_RATIO:
                raise OSError("an archive unpacks to far more than its size")
            entries = [(info, archive.read(info)) for info in infos]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        return scrubber.data(content)  # no archive after all, or one nobody can open
    cleaned = [(info, _scrubbed(info.filename, data, scrubber)) for info, data in entries]
    names_clean = all(scrubber.text(info.filename) == info.filename for info in infos)
    if names_clean and all(
        before[1] is after[1] or before[1] == after[1] for before, after in zip(entries, cleaned, strict=True)
    ):
        return content
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, data in cleaned:
            archive.writestr(scrubber.text(info.filename), data, compress_type=info.compress_type)
    return packed.getvalue()
