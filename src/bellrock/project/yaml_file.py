"""Reads bellrock.yaml. Decides what a person is told about a mistake: file, line, field, what is allowed."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from bellrock.project.checks import (
    ApiCheck,
    Assertion,
    BasicAuth,
    BrowserCheck,
    DnsCheck,
    HeartbeatCheck,
    IcmpCheck,
    MultistepCheck,
    PlaywrightCheck,
    Retry,
    SslCheck,
    StatusCode,
    TcpCheck,
    UrlCheck,
)
from bellrock.project.errors import Problem, ProjectError
from bellrock.project.models import Defaults, Project, ProjectFile, ProjectIdentity
from bellrock.project.parts import Variable

FILE_NAME = "bellrock.yaml"
_BY_TYPE: dict[str, type[BaseModel]] = {
    "playwright": PlaywrightCheck,
    "url": UrlCheck,
    "api": ApiCheck,
    "tcp": TcpCheck,
    "dns": DnsCheck,
    "icmp": IcmpCheck,
    "ssl": SslCheck,
    "heartbeat": HeartbeatCheck,
    "browser": BrowserCheck,
    "multistep": MultistepCheck,
}
_BY_KEY: dict[str, type[BaseModel]] = {
    "project": ProjectIdentity,
    "defaults": Defaults,
    "environment": Variable,
    "assertions": Assertion,
    "basic_auth": BasicAuth,
    "retry": Retry,
}

_QUOTE = "; write numbers and yes/no in quotes"
_MAPPING = "must be a mapping of keys to values"
_NOT_A_MAPPING = frozenset({"model_type", "dict_type", "model_attributes_type"})
_MEANINGS = {
    "missing": "is required",
    "literal_error": "must be one of {expected}",
    "union_tag_invalid": "type must be one of {expected_tags}",
    "union_tag_not_found": "type is required: one of " + ", ".join(_BY_TYPE),
    "string_type": "must be text" + _QUOTE,
    "string_pattern_mismatch": "must match {pattern}",
    "value_error": "{error}",
}
_WIDTH = 120
_KIND = 2  # position of the kind in ("checks", id, kind, field)

Location = Sequence[int | str]


def read_project_file(path: Path) -> Project:
    """The project in a bellrock.yaml.

    Raises:
        ProjectError: with one problem per mistake, each with its line.
    """
    document = _parse(path)
    try:
        return ProjectFile.model_validate(document).to_project()
    except ValidationError as error:
        problems = [_problem(path.name, document, details) for details in error.errors()]
        problems.sort(key=lambda problem: problem.line or 0)
        raise ProjectError.of(*problems) from error


def write_project_file(path: Path, *, project_id: str, checks: Mapping[str, BaseModel]) -> None:
    """Write a bellrock.yaml that says of each check what differs from its type's defaults.

    Args:
        path: the file, which is replaced.
        project_id: also the project's name.
        checks: by logical id.
    """
    document = {
        "project": {"id": project_id, "name": project_id},
        "checks": {logical_id: _said(check) for logical_id, check in checks.items()},
    }
    yaml = YAML(typ="rt")
    yaml.default_flow_style = False
    yaml.width = _WIDTH
    with path.open("w", encoding="utf-8") as file:
        yaml.dump(document, file)


def _said(check: BaseModel) -> dict[str, object]:
    said = check.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    for name, variable in said.get("environment", {}).items():
        if set(variable) == {"value"}:
            said["environment"][name] = variable["value"]
    kind = type(check).model_fields["type"].default
    return {"type": kind} | said


def _parse(path: Path) -> CommentedMap:
    try:
        document = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else mark.line + 1
        text = str(error.problem or error.context).partition("\n")[0]
        raise ProjectError.of(Problem(path.name, line, "", f"is not YAML: {text}")) from error
    except (YAMLError, UnicodeDecodeError, OSError) as error:
        raise ProjectError.of(Problem(path.name, None, "", f"cannot be read: {error}")) from error
    if not isinstance(document, CommentedMap):
        message = "must hold the keys 'project' and 'checks'"
        raise ProjectError.of(Problem(path.name, 1, "", message))
    return document


def _problem(file: str, document: CommentedMap, details: ErrorDetails) -> Problem:
    path, line = _find(document, _keys_of(details["loc"]))
    return Problem(file, line, _dotted(path), _explain(details, path, document))


def _keys_of(location: Location) -> list[int | str]:
    """Drop what Pydantic adds to the keys of the file: the chosen kind of check, and "[key]"."""
    keys = [part for part in location if part != "[key]"]
    if keys[:1] == ["checks"] and len(keys) > _KIND and keys[_KIND] in _BY_TYPE:
        del keys[_KIND]
    return keys


def _find(document: CommentedMap, location: Location) -> tuple[list[int | str], int]:
    """Walk to the place of an error: the keys that lead there, and its line."""
    node: object = document
    path: list[int | str] = []
    line = 1
    for part in location:
        if isinstance(node, CommentedMap) and part in node:
            line = int(node.lc.key(part)[0]) + 1
            node = node[part]
        elif isinstance(node, CommentedSeq) and isinstance(part, int) and part < len(node):
            line = int(node.lc.item(part)[0]) + 1
            node = node[part]
        path.append(part)
    return path, line


def _dotted(path: Location) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.lstrip(".")


def _explain(details: ErrorDetails, path: Location, document: CommentedMap) -> str:
    kind = details["type"]
    if kind == "extra_forbidden":
        return _unknown_key(str(path[-1]), _model_of(path[:-1], document))
    if kind in _NOT_A_MAPPING:
        return "must be text or a mapping with 'value'" + _QUOTE if "environment" in path[:-1] else _MAPPING
    if kind in _MEANINGS:
        return _MEANINGS[kind].format_map(details.get("ctx", {}))
    message = details["msg"].replace("Input should be", "must be")
    return message[:1].lower() + message[1:]


def _unknown_key(key: str, model: type[BaseModel]) -> str:
    allowed = sorted(model.model_fields)
    similar = get_close_matches(key, allowed, n=1)
    hint = f" Did you mean '{similar[0]}'?" if similar else ""
    return f"unknown key; allowed are {', '.join(allowed)}.{hint}"


def _model_of(path: Location, document: CommentedMap) -> type[BaseModel]:
    if not path:
        return ProjectFile
    for part in reversed(path):
        if part == "assertions" and document["checks"][path[1]].get("type") == "url":
            return StatusCode
        if part in _BY_KEY:
            return _BY_KEY[str(part)]
    return _BY_TYPE[str(document["checks"][path[1]].get("type"))]
