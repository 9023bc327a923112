"""Cursors of listings: where the next page begins, as an opaque text."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from uuid import UUID

from bellrock.domain.errors import Invalid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Cursor = tuple[datetime, UUID]


def write_cursor(at: datetime, row_id: UUID) -> str:
    """The cursor after a row with this time and id."""
    text = f"{(at - _EPOCH) // _MICROSECOND}.{row_id.hex}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str | None) -> Cursor | None:
    """What `write_cursor` wrote. Raises Invalid for anything else."""
    if text is None:
        return None
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
        microseconds, row_id = decoded.split(".")
        return _EPOCH + int(microseconds) * _MICROSECOND, UUID(row_id)
    except (ValueError, binascii.Error, OverflowError) as error:
        raise Invalid("nextId: use the value of an earlier answer, unchanged.") from error
