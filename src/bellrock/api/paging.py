"""The header that says which part of a list an answer is."""

from fastapi import Response


def tell_range(response: Response, *, page: int, limit: int, shown: int, total: int) -> None:
    """Set ``Content-Range``: which things of how many, ``*`` for none."""
    first = (page - 1) * limit
    span = f"{first}-{first + shown - 1}" if shown else "*"
    response.headers["Content-Range"] = f"{span}/{total}"
