"""Checks answers against an OpenAPI document: our own, or the contract's."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from pydantic_core import from_json, to_json

from bellrock.api.app import openapi_document

Json = dict[str, Any]

CONTRACT = Path(__file__).parents[3] / "shared" / "contract" / "openapi.json"
"""The contract's own document, where it lies beside the checkout. It is no part of the project."""


class AnswerChecker:
    """Finds the operation of a request and validates an answer against what is declared for it.

    ``every_status`` says whether a status that the operation does not declare is a problem.
    """

    def __init__(self, document: Json, *, nullable_keyword: bool = False, every_status: bool = True) -> None:
        self._document = json_schema_of(document) if nullable_keyword else document
        self._paths = [(_pattern(path), path) for path in self._document["paths"]]
        self._every_status = every_status
        self.compared = 0  # bodies that were really held against a schema

    @property
    def operations(self) -> list[tuple[str, str]]:
        """Every operation as method and path template."""
        return [
            (method.upper(), path)
            for path, operations in self._document["paths"].items()
            for method in operations
            if method in ("get", "put", "post", "patch", "delete")
        ]

    def declares(self, method: str, path: str) -> bool:
        """Whether the document has this operation."""
        template = self._template(path)
        return template is not None and method.lower() in self._document["paths"][template]

    def problems(self, method: str, path: str, *, status: int, body: object) -> list[str]:
        """What is wrong with this answer; nothing where the operation or its body is not declared."""
        template = self._template(path)
        if template is None or method.lower() not in self._document["paths"][template]:
            return []
        responses = self._document["paths"][template][method.lower()]["responses"]
        declared = responses.get(str(status)) or responses.get("default")
        if declared is None:
            return [f"{method} {template} does not declare {status}"] if self._every_status else []
        schema = self._resolved(declared).get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            return []
        self.compared += 1
        validator = self._validator(json.dumps(schema, sort_keys=True))
        return [
            f"{method} {template} {status}: {'/'.join(map(str, error.path))}: {error.message[:200]}"
            for error in validator.iter_errors(body)
        ]

    @cache  # noqa: B019  (a checker lives as long as its tests)
    def _validator(self, schema: str) -> Draft202012Validator:
        whole = {**json.loads(schema), "components": self._document.get("components", {})}
        return Draft202012Validator(whole, format_checker=FormatChecker())

    def _template(self, path: str) -> str | None:
        # The most literal template wins, as in a router: /trigger before /{id}.
        found = [template for pattern, template in self._paths if pattern.fullmatch(path)]
        return min(found, key=lambda template: template.count("{"), default=None)

    def _resolved(self, declared: Json) -> Json:
        if "$ref" not in declared:
            return declared
        here: Any = self._document
        for part in declared["$ref"].removeprefix("#/").split("/"):
            here = here[part]
        return dict(here)


@cache
def own_document() -> Json:
    """The document that our server serves. To make it takes five seconds: once per process is enough."""
    document: Json = from_json(to_json(openapi_document()))
    return document


def contract_checker() -> AnswerChecker | None:
    """Answers against the contract's document; None where it is absent.

    It declares few of the errors that any path may give (405, 413, 501), so other statuses pass.
    """
    if not CONTRACT.is_file():
        return None
    document = json.loads(CONTRACT.read_text("utf-8"))
    return AnswerChecker(document, nullable_keyword=True, every_status=False)


def json_schema_of(node: Any) -> Any:
    """OpenAPI 3.0's `nullable` in the words of JSON Schema. The contract says `date` also of moments."""
    if isinstance(node, list):
        return [json_schema_of(each) for each in node]
    if not isinstance(node, dict):
        return node
    plain = {key: json_schema_of(value) for key, value in node.items() if key != "nullable"}
    if node.get("format") == "date":
        plain["format"] = "date-time"
    if node.get("exclusiveMinimum") is True:
        plain["exclusiveMinimum"] = plain.pop("minimum")
    if node.get("nullable") is not True:
        return plain
    if "enum" in plain:
        plain["enum"] = [*plain["enum"], None]
    if "type" in plain:
        return {**plain, "type": [plain["type"], "null"]}
    return {"anyOf": [plain, {"type": "null"}]} if plain else {}


def _pattern(template: str) -> re.Pattern[str]:
    parts = re.split(r"\{[^}]+\}", template)
    return re.compile("[^/]+".join(map(re.escape, parts)))
