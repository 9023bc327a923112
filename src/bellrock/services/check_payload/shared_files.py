"""Files that checks of one request have in common: a check names them by their place in a list."""

from collections.abc import Mapping, Sequence

from bellrock.domain.errors import Invalid
from bellrock.domain.specs import Dependency

_FIELDS = ("dependencies", "setupScriptDependencies", "tearDownScriptDependencies")


def with_shared_files(
    payload: Mapping[str, object], shared: Sequence[Dependency], *, where: str = ""
) -> dict[str, object]:
    """The payload with files in place of their numbers. Raises Invalid for a number that is no file's."""
    named = {name: said for name in _FIELDS if isinstance(said := payload.get(name), list | tuple)}
    files = {
        name: [_file(each, shared, f"{where}{name}") if isinstance(each, int) else each for each in said]
        for name, said in named.items()
    }
    return {**payload, **files}


def _file(number: int, shared: Sequence[Dependency], field: str) -> dict[str, str]:
    if not 0 <= number < len(shared):
        raise Invalid(f"{field}: there is no shared file {number}: sharedFiles has {len(shared)}.")
    return {"path": shared[number].path, "content": shared[number].content}
