"""What a response has for each source of assertions."""

import asyncio
import codecs
import json
import re
from collections.abc import Sequence
from functools import cached_property

from bellrock.domain.specs import Assertion
from bellrock.expressions.assertions import AssertionResult, AssertionUnusable, check_values, first_group
from bellrock.expressions.jsonpath import PathError, find
from bellrock.runner.executors.http.request import Response

_QUICK = frozenset({"STATUS_CODE", "RESPONSE_TIME"})
"""Sources that are one number: no body, path or pattern makes these slow."""
_CHARSET = re.compile(r""";\s*charset\s*=\s*["']?([^\s;"']+)""", re.IGNORECASE)
# Python has codecs that are none of texts, and some that make of bytes what no text may hold.
_OF_TEXT = re.compile(
    r"ascii|utf-(8|16|32)(-sig|-le|-be)?|iso8859-\d+|cp\d+|koi8-[rut]|shift_jis\w*|euc_\w+|gb\w+|big5\w*"
)


async def check_response(assertions: Sequence[Assertion], response: Response) -> tuple[AssertionResult, ...]:
    """Every assertion, in order. Off the event loop, unless all are about numbers.

    Raises AssertionUnusable.
    """
    checking = ResponseAssertions(response)
    if all(each.source in _QUICK for each in assertions):
        return checking.check(assertions)
    return await asyncio.to_thread(checking.check, assertions)


class ResponseAssertions:
    """The assertions of one response. Its body is decoded and parsed once at most."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def check(self, assertions: Sequence[Assertion]) -> tuple[AssertionResult, ...]:
        """Every assertion, in order. Raises AssertionUnusable."""
        return tuple(self._check(each) for each in assertions)

    def _check(self, assertion: Assertion) -> AssertionResult:
        match assertion.source:
            case "STATUS_CODE":
                return check_values(assertion, [self._response.status], subject="The status code")
            case "RESPONSE_TIME":
                total_ms = round(self._response.times.total)
                return check_values(assertion, [total_ms], subject="The response time")
            case "HEADERS":
                return self._check_header(assertion)
            case "TEXT_BODY":
                return self._check_text(assertion)
            case "JSON_BODY":
                return self._check_json(assertion)
        raise AssertionUnusable(f"An HTTP response has no {assertion.source}.")

    def _check_header(self, assertion: Assertion) -> AssertionResult:
        if not assertion.property:
            raise AssertionUnusable("An assertion of HEADERS needs the header's name as its property.")
        value = self._response.headers.get(assertion.property.lower())
        values = [] if value is None else [value]
        if value is not None and assertion.regex:
            values = first_group(assertion.regex, value)
        return check_values(assertion, values, subject=f"The header {assertion.property}")

    def _check_text(self, assertion: Assertion) -> AssertionResult:
        if not assertion.property:
            return check_values(assertion, [self._text], subject="The body")
        values = first_group(assertion.property, self._text)
        return check_values(assertion, values, subject=f"The match of {assertion.property!r} in the body")

    def _check_json(self, assertion: Assertion) -> AssertionResult:
        path = assertion.property or "$"
        try:
            values = find(path, self._document)
        except PathError as error:
            raise AssertionUnusable(str(error)) from error
        except (ValueError, RecursionError) as error:
            detail = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            return AssertionResult(assertion, None, f"The body is no JSON: {detail}.")
        return check_values(assertion, values, subject=f"The body at {path}")

    @cached_property
    def _text(self) -> str:
        return body_text(self._response)

    @cached_property
    def _document(self) -> object:
        return json.loads(self._text, parse_constant=_refuse)


def body_text(response: Response) -> str:
    """The body as text, in the character set that the response names, UTF-8 if in none."""
    return response.body.decode(charset(response), errors="replace").removeprefix("\ufeff")


def charset(response: Response) -> str:
    """The name of a character set that Python knows."""
    if response.charset:
        return response.charset
    found = _CHARSET.search(response.headers.get("content-type", ""))
    try:
        name = codecs.lookup(found[1]).name if found else ""
    except LookupError:
        name = ""
    return name if _OF_TEXT.fullmatch(name) else "utf-8"


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is no value of JSON")
