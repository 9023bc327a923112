"""Files that checks of one request have in common: a check names them by their place in a list."""

from collections.abc import Mapping, Sequence

from bellrock.domain.errors import Invalid
from bellrock.domain.specs import Dependency

_FIELD = "dependencies"


def with_shared_files(
    payload: Mapping[str, object], shared: Sequence[Dependency], *, where: str = ""
) -> dict[str, object]:
    """The payload with files in place of their numbers. Raises Invalid for a number that is no file's."""
    said = payload.get(_FIELD)
    if not isinstance(said, list | tuple):
        return dict(payload)
    files = [_file(each, shared, where) if isinstance(each, int) else each for each in said]
    return {**payload, _FIELD: files}


def _file(number: int, shared: Sequence[Dependency], where: str) -> dict[str, str]:
    if not 0 <= number < len(shared):
        raise Invalid(f"{where}{_FIELD}: there is no shared file {number}: sharedFiles has {len(shared)}.")
    return {"path": shared[number].path, "content": shared[number].content}
