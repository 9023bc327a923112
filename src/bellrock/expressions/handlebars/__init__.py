"""Templates: the `{{variables}}` of checks and alerts.

The language is Handlebars 4 without partials and decorators, with the contract's helpers. How a value is
escaped is the caller's: the contract encodes it for a URI in checks; `{{{this}}}` is never escaped.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from string import ascii_letters, digits

from bellrock.expressions.handlebars.helpers import Chance, make_helpers
from bellrock.expressions.handlebars.rendering import Renderer
from bellrock.expressions.handlebars.syntax import Node, TemplateError, parse

__all__ = ["Chance", "TemplateError", "encode_uri", "render"]

_KEPT_IN_URIS = frozenset(f"{ascii_letters}{digits};,/?:@&=+$-_.!~*'()#".encode())
_KEPT_TREES = 512


def encode_uri(text: str) -> str:
    """JavaScript's ``encodeURI``: what has a meaning in a URI stays as it is."""
    encoded = text.encode(errors="replace")
    return "".join(chr(byte) if byte in _KEPT_IN_URIS else f"%{byte:02X}" for byte in encoded)


def render(
    template: str,
    values: Mapping[str, object],
    *,
    at: datetime,
    chance: Chance,
    escape: Callable[[str], str] = encode_uri,
) -> str:
    """The template's text with ``values`` (as JSON has them) in it. Names that nothing has are empty.

    ``at`` is what dates count from, and its time zone what they are shown in. ``chance`` is where
    `{{$UUID}}` and `{{$RANDOM_NUMBER}}` come from. Raises TemplateError, whose message says where and why.
    """
    if "{{" not in template:
        return template
    helpers = make_helpers(at, chance)
    return Renderer(escape=escape, helpers=helpers).render(_tree(template), values)


@lru_cache(maxsize=_KEPT_TREES)
def _tree(template: str) -> tuple[Node, ...]:
    return parse(template)
