"""Files that a check brings beside its script."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated

from pydantic import Field, model_validator

from bellrock.domain.specs import Dependency
from bellrock.services.check_payload.common import Payload


class DependencyPayload(Payload):
    """A file, by its path in the project."""

    path: Annotated[str, Field(min_length=1, max_length=1_000)]
    content: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _stays_inside(self) -> "DependencyPayload":
        path = PurePosixPath(self.path)
        if path.is_absolute() or ".." in path.parts:
            raise ValueError(f"dependencies: {self.path!r} must be relative and without '..'")
        return self


def files_of(said: Iterable[DependencyPayload]) -> tuple[Dependency, ...]:
    """As ours."""
    return tuple(Dependency(each.path, each.content) for each in said)


def dependencies_said(files: Iterable[Dependency]) -> list[dict[str, str]]:
    """As the contract says them."""
    return [{"path": each.path, "content": each.content} for each in files]
