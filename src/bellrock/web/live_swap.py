"""Live updates as htmx reads them: which element is replaced, or appended to, by which HTML.

The only Python that knows htmx; the attributes that connect a page are in `templates/_live.html`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b


def replace(element_id: str, html: str) -> str:
    """Morph an element into the new one, keeping focus, open details and scroll positions."""
    return f'<hx-partial hx-target="#{element_id}" hx-swap="outerMorph">{html}</hx-partial>'


def append(element_id: str, html: str) -> str:
    """Put HTML at the end of an element."""
    return f'<hx-partial hx-target="#{element_id}" hx-swap="beforeend">{html}</hx-partial>'


def message(html: str, *, event_id: str | None = None) -> bytes:
    """One server-sent event that carries HTML."""
    lines = [f"data: {line}" for line in html.splitlines() or [""]]
    if event_id is not None:
        lines.insert(0, f"id: {event_id}")
    return ("\n".join(lines) + "\n\n").encode()


def named(event: str, data: str = "") -> bytes:
    """A server-sent event that becomes an event of the page."""
    return f"event: {event}\ndata: {data}\n\n".encode()


KEEP_ALIVE = b": still here\n\n"


@dataclass(slots=True)
class Sent:
    """What one reader has been sent, so that only what changed is sent again."""

    digests: dict[str, bytes] = field(default_factory=dict)

    def changed(self, fragments: Mapping[str, str]) -> str:
        """The swaps of those fragments (by element id) that differ from what was sent last."""
        swaps = []
        for element_id, html in fragments.items():
            digest = blake2b(html.encode(), digest_size=16).digest()
            if self.digests.get(element_id) != digest:
                self.digests[element_id] = digest
                swaps.append(replace(element_id, html))
        return "\n".join(swaps)
