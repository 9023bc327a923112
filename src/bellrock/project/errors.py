"""What can be wrong with a project. Every message names the file and, where there is one, the line."""

from dataclasses import dataclass

from bellrock.domain.errors import BellrockError


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a project file. ``line`` counts from 1; None where no line is to blame."""

    file: str
    line: int | None
    field: str
    message: str

    def __str__(self) -> str:
        """``bellrock.yaml:12: checks.shop.frequency: must be one of …``."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.field}: {self.message}" if self.field else f"{place}: {self.message}"


class ProjectError(BellrockError):
    """A project that cannot be used. ``problems`` in the order of the file."""

    def __init__(self, message: str, *, problems: tuple[Problem, ...] = ()) -> None:
        super().__init__(message, code="PROJECT_INVALID")
        self.problems = problems

    @classmethod
    def of(cls, *problems: Problem) -> "ProjectError":
        """An error that lists these problems, a line each."""
        return cls("\n".join(str(problem) for problem in problems), problems=problems)
