"""A badge as a picture: what it is about on the left, how that does on the right."""

from dataclasses import dataclass
from html import escape
from typing import Literal

from bellrock.domain.check_status import StatusWord
from bellrock.services.badges import Badge

Style = Literal["flat", "plastic", "flat-square", "for-the-badge", "social"]
Theme = Literal["light", "dark", "default"]

_LONGEST_NAME = 60
_PADDING = 6
_NARROW, _WIDE = frozenset("fijlrtI.,:;'|!()[] "), frozenset("mwMW@%")
_COLOURS = {
    StatusWord.PASSING: "#2a8a3e",
    StatusWord.DEGRADED: "#b26a00",
    StatusWord.FAILING: "#c62828",
    None: "#6b7280",
}
# The left side: its ground, and the text on it.
_GROUNDS: dict[Theme, tuple[str, str]] = {
    "light": ("#e5e7eb", "#1f2937"),
    "dark": ("#111827", "#f9fafb"),
    "default": ("#4b5563", "#ffffff"),
}


@dataclass(frozen=True, slots=True)
class _Look:
    """Sizes of a style, in pixels."""

    height: int
    radius: int
    letter: int
    is_shaded: bool = False
    is_loud: bool = False


_LOOKS: dict[Style, _Look] = {
    "flat": _Look(20, 3, 11),
    "plastic": _Look(18, 4, 11, is_shaded=True),
    "flat-square": _Look(20, 0, 11),
    "for-the-badge": _Look(28, 0, 10, is_loud=True),
    "social": _Look(22, 6, 11),
}


def badge_svg(badge: Badge, *, style: Style, theme: Theme, with_time: bool) -> str:
    """The picture. It holds no script and no address, and whatever a check is called is text in it."""
    look = _LOOKS[style]
    said = badge.word.value if badge.word else "no data"
    if with_time:
        time = badge.response_time_ms
        said = f"{said} | {'no time' if time is None else f'{time:.0f} ms'}"
    name = _shown(badge.name)
    if look.is_loud:
        name, said = name.upper(), said.upper()
    left, right = _width(name, look), _width(said, look)
    size = f'width="{left + right}" height="{look.height}"'
    ground, ink = _GROUNDS[theme]
    colour = _COLOURS[badge.word]
    text = escape(f"{name}: {said}")
    shade = _SHADE if look.is_shaded else ""
    glare = f'<rect {size} fill="url(#s)"/>' if look.is_shaded else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} '
        f'role="img" aria-label="{text}"><title>{text}</title>{shade}'
        f'<clipPath id="r"><rect {size} rx="{look.radius}"/></clipPath>'
        f'<g clip-path="url(#r)"><rect width="{left}" height="{look.height}" fill="{ground}"/>'
        f'<rect x="{left}" width="{right}" height="{look.height}" fill="{colour}"/>{glare}</g>'
        f'<g text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="{look.letter}">'
        f"{_text(name, left / 2, look, colour=ink, width=left)}"
        f"{_text(said, left + right / 2, look, colour='#ffffff', width=right)}</g></svg>"
    )


_SHADE = (
    '<linearGradient id="s" x2="0" y2="100%"><stop offset="0" stop-color="#fff" stop-opacity=".3"/>'
    '<stop offset="1" stop-opacity=".3"/></linearGradient>'
)


def _shown(name: str) -> str:
    printable = "".join(each if each.isprintable() else " " for each in name)
    return printable if len(printable) <= _LONGEST_NAME else f"{printable[: _LONGEST_NAME - 1]}…"


def _width(text: str, look: _Look) -> int:
    letters = sum(0.4 if each in _NARROW else 0.9 if each in _WIDE else 0.62 for each in text)
    return round(letters * look.letter * (1.25 if look.is_loud else 1)) + 2 * _PADDING


def _text(text: str, middle: float, look: _Look, *, colour: str, width: int) -> str:
    baseline = look.height / 2 + look.letter * 0.36
    # Said, so that the text fits whichever of the fonts there is.
    length = max(1, width - 2 * _PADDING)
    return (
        f'<text x="{middle:g}" y="{baseline:g}" fill="{colour}" textLength="{length}" '
        f'lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
    )
