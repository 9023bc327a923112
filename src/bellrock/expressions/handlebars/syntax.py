"""From a template's text to its tree. The language is Handlebars 4 without partials and decorators."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bellrock.expressions.javascript import UNDEFINED

MOST_DEPTH = 50
"""Blocks inside blocks, and expressions inside expressions."""


class TemplateError(ValueError):
    """A template that cannot be read or rendered; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written down."""

    value: object


@dataclass(frozen=True, slots=True)
class Path:
    """A name to look up: ``up`` contexts above this one, or among the data (``@index``)."""

    parts: tuple[str, ...]
    up: int = 0
    is_data: bool = False
    is_scoped: bool = False  # `this.name`, `./name`: never a helper
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """An expression: a helper with its arguments, or a value by itself."""

    callee: "Path | Literal"
    arguments: tuple["Expression", ...] = ()
    named: tuple[tuple[str, "Expression"], ...] = ()

    @property
    def has_arguments(self) -> bool:
        return bool(self.arguments or self.named)


Expression = Literal | Path | Call


@dataclass(frozen=True, slots=True)
class Text:
    """What stands outside of braces."""

    text: str


@dataclass(frozen=True, slots=True)
class Output:
    """`{{…}}`, or `{{{…}}}` where ``is_raw``."""

    call: Call
    is_raw: bool


@dataclass(frozen=True, slots=True)
class Block:
    """`{{#…}}…{{else}}…{{/…}}`. ``names`` are its block parameters."""

    call: Call
    body: tuple["Node", ...]
    otherwise: tuple["Node", ...]
    names: tuple[str, ...] = ()


Node = Text | Output | Block


@dataclass(slots=True)
class _Tag:
    """One pair of braces. ``kind``: `""` value, `{` raw, `!`, `#`, `^`, `/` or `else`."""

    kind: str
    inner: str
    at: int
    strips_left: bool
    strips_right: bool


_OPEN = re.compile(r"\{\{")
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:\\["]|[^"])*"|'(?:\\[']|[^'])*')
    | (?P<number>-?[0-9]+(?:\.[0-9]+)?(?=[=~}\s/.)\]|]|$))
    | (?P<word>(?:true|false|null|undefined)(?=[~}\s)]|$))
    | (?P<up>\.\.)
    | (?P<segment>\[(?:\\\]|[^\]])*\])
    | (?P<name>[^\s!"\#%-,./;->@\[-^`{-~]+(?=[=~}\s/.)\]|]|$))
    | (?P<sign>[()=./|@])
    )""",
    re.VERBOSE,
)
_WORDS = {"true": True, "false": False, "null": None, "undefined": UNDEFINED}


def parse(template: str) -> tuple[Node, ...]:
    """The tree of a template. Raises TemplateError."""
    parts = _strip_space(list(_split(template)))
    reader = _Reader(template, parts)
    nodes = reader.body(depth=0)
    if reader.position < len(parts):
        tag = parts[reader.position]
        assert isinstance(tag, _Tag)  # noqa: S101 - text never ends a body
        raise _error(template, tag.at, f"{{{{{tag.kind}{tag.inner}}}}} closes nothing")
    return nodes


# --- braces ------------------------------------------------------------------------------------


def _split(template: str) -> Iterator[str | _Tag]:
    position, text = 0, ""
    while found := _OPEN.search(template, position):
        text += template[position : found.start()]
        if text.endswith("\\\\"):
            text = text[:-1]
        elif text.endswith("\\"):
            text = text[:-1] + "{{"
            position = found.end()
            continue
        if text:
            yield text
        text = ""
        tag, position = _tag(template, found.start())
        yield tag
    if rest := text + template[position:]:
        yield rest


def _tag(template: str, start: int) -> tuple[_Tag, int]:
    position = start + 2
    comment = re.compile(r"~?!--(.*?)--(~?)\}\}", re.DOTALL).match(template, position)
    if comment:
        left = template[position] == "~"
        return _Tag("!", comment[1], start, left, bool(comment[2])), comment.end()
    strips_left = template.startswith("~", position)
    position += strips_left
    kind = template[position : position + 1]
    if kind in (">", "*") or template.startswith("{{", position):
        raise _error(template, start, "partials, decorators and raw blocks are not supported")
    kind = kind if kind and kind in "{&!#^/" else ""
    position += len(kind)
    close = "}}}" if kind == "{" else "}}"
    end = _end_of_tag(template, position, close)
    if end < 0:
        raise _error(template, start, f"the closing {close} is missing")
    inner = template[position:end]
    strips_right = inner.endswith("~") or (kind == "{" and template.startswith("}~}}", end))
    stop = end + len(close) + (kind == "{" and template.startswith("}~}}", end))
    inner = inner.removesuffix("~").strip()
    if kind == "" and (inner == "else" or inner.startswith("else ")):
        kind, inner = "else", inner[4:].strip()
    elif kind == "^" and not inner:
        kind = "else"
    return _Tag("{" if kind == "&" else kind, inner, start, strips_left, strips_right), stop


def _end_of_tag(template: str, position: int, close: str) -> int:
    """Where a tag's braces close, or -1. Braces in quotes and in [segments] close nothing."""
    skipping = re.compile(r"""("(?:\\["]|[^"])*"|'(?:\\[']|[^'])*'|\[(?:\\\]|[^\]])*\])""")
    while position < len(template):
        if template.startswith(close, position) or (close == "}}}" and template.startswith("}~}}", position)):
            return position
        quoted = skipping.match(template, position)
        position = quoted.end() if quoted else position + 1
    return -1


def _strip_space(parts: list[str | _Tag]) -> list[str | _Tag]:
    """Without the space that `~` eats, and without lines that hold nothing but a block's tag."""
    stripped = list(parts)
    for index, tag in enumerate(parts):
        if not isinstance(tag, _Tag):
            continue
        before = parts[index - 1] if index else ""
        after = parts[index + 1] if index + 1 < len(parts) else ""
        alone = (
            tag.kind in ("#", "^", "/", "else", "!")
            and isinstance(before, str)
            and isinstance(after, str)
            and re.search(r"(?:^|\r?\n)[^\S\n]*\Z" if index <= 1 else r"\r?\n\s*?\Z", before) is not None
            and re.match(r"\s*?(?:\r?\n|\Z)" if index + 2 >= len(parts) else r"\s*?\r?\n", after) is not None
        )
        if index and isinstance(left := stripped[index - 1], str):
            stripped[index - 1] = left.rstrip() if tag.strips_left else _without_indent(left, alone=alone)
        if index + 1 < len(parts) and isinstance(right := stripped[index + 1], str):
            stripped[index + 1] = right.lstrip() if tag.strips_right else _without_line(right, alone=alone)
    return [part for part in stripped if part != ""]


def _without_indent(text: str, *, alone: bool) -> str:
    return re.sub(r"[ \t]+\Z", "", text) if alone else text


def _without_line(text: str, *, alone: bool) -> str:
    return re.sub(r"\A[ \t]*\r?\n?", "", text) if alone else text


# --- the tree ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Reader:
    template: str
    parts: Sequence[str | _Tag]
    position: int = field(default=0)

    def body(self, *, depth: int) -> tuple[Node, ...]:
        """Everything up to the tag that ends this body, which is left for the caller."""
        nodes: list[Node] = []
        while self.position < len(self.parts):
            part = self.parts[self.position]
            if isinstance(part, str):
                nodes.append(Text(part))
            elif part.kind in ("/", "else"):
                return tuple(nodes)
            elif part.kind in ("#", "^"):
                self.position += 1
                nodes.append(self.block(part, depth=depth + 1))
            elif part.kind != "!":
                call, _ = self.call(part)
                nodes.append(Output(call, is_raw=part.kind == "{"))
            self.position += 1
        return tuple(nodes)

    def block(self, opening: _Tag, *, depth: int) -> Block:
        if depth > MOST_DEPTH:
            raise _error(self.template, opening.at, f"blocks are nested deeper than {MOST_DEPTH}")
        call, names = self.call(opening)
        body = self.body(depth=depth)
        otherwise: tuple[Node, ...] = ()
        tag = self._ending(opening)
        if tag.kind == "else" and tag.inner:
            self.position += 1
            chained = _Tag("#", tag.inner, tag.at, tag.strips_left, tag.strips_right)
            return self._ordered(opening, call, body, (self._chain(chained, depth=depth + 1),), names)
        if tag.kind == "else":
            self.position += 1
            otherwise = self.body(depth=depth)
            tag = self._ending(opening)
        if tag.kind != "/":
            raise _error(self.template, tag.at, "there is a second else")
        self._must_close(opening, tag, call)
        return self._ordered(opening, call, body, otherwise, names)

    def _chain(self, opening: _Tag, *, depth: int) -> Block:
        """`{{else if …}}`: a block that its parent's closing tag ends."""
        if depth > MOST_DEPTH:
            raise _error(self.template, opening.at, f"blocks are nested deeper than {MOST_DEPTH}")
        call, names = self.call(opening)
        body = self.body(depth=depth)
        tag = self._ending(opening)
        if tag.kind == "/":
            return Block(call, body, (), names)
        self.position += 1
        if tag.inner:
            chained = _Tag("#", tag.inner, tag.at, tag.strips_left, tag.strips_right)
            return Block(call, body, (self._chain(chained, depth=depth + 1),), names)
        return Block(call, body, self.body(depth=depth), names)

    @staticmethod
    def _ordered(
        opening: _Tag,
        call: Call,
        body: tuple[Node, ...],
        otherwise: tuple[Node, ...],
        names: tuple[str, ...],
    ) -> Block:
        return (
            Block(call, otherwise, body, names)
            if opening.kind == "^"
            else Block(call, body, otherwise, names)
        )

    def _ending(self, opening: _Tag) -> _Tag:
        if self.position >= len(self.parts):
            raise _error(self.template, opening.at, f"{{{{#{opening.inner}}}}} is never closed")
        tag = self.parts[self.position]
        assert isinstance(tag, _Tag)  # noqa: S101 - a body ends at a tag
        return tag

    def _must_close(self, opening: _Tag, tag: _Tag, call: Call) -> None:
        name = call.callee.shown if isinstance(call.callee, Path) else opening.inner
        if tag.inner != name:
            raise _error(self.template, tag.at, f"{{{{/{tag.inner}}}}} does not close {{{{#{name}}}}}")

    def call(self, tag: _Tag) -> tuple[Call, tuple[str, ...]]:
        return _Words(self.template, tag).call()


class _Words:
    """The words between a tag's braces."""

    def __init__(self, template: str, tag: _Tag) -> None:
        self._template = template
        self._at = tag.at
        self._words = list(self._tokens(tag.inner))
        self._next = 0

    def _tokens(self, inner: str) -> Iterator[tuple[str, str]]:
        position, inner = 0, inner.rstrip()
        while position < len(inner):
            found = _TOKEN.match(inner, position)
            if found is None or found.lastgroup is None:
                raise self._bad(f"{inner[position:].split()[0]!r} is not understood")
            yield found.lastgroup, found[found.lastgroup]
            position = found.end()

    def call(self) -> tuple[Call, tuple[str, ...]]:
        if not self._words:
            raise self._bad("there is nothing between the braces")
        call = self._call(depth=0)
        names: tuple[str, ...] = ()
        if self._peek() == ("name", "as"):
            self._next += 1
            names = self._block_names()
        if self._next < len(self._words):
            raise self._bad(f"{self._words[self._next][1]!r} is not expected there")
        return call, names

    def _call(self, *, depth: int) -> Call:
        callee = self._value(depth=depth)
        if isinstance(callee, Call):
            raise self._bad("what is called must be a name")
        arguments: list[Expression] = []
        named: list[tuple[str, Expression]] = []
        while (word := self._peek()) is not None and word not in (("sign", ")"), ("name", "as")):
            if self._is_named():
                name = self._take()[1]
                self._next += 1
                named.append((name.strip("[]"), self._value(depth=depth)))
            elif named:
                raise self._bad("named arguments come last")
            else:
                arguments.append(self._value(depth=depth))
        return Call(callee, tuple(arguments), tuple(named))

    def _is_named(self) -> bool:
        following = self._words[self._next + 1] if self._next + 1 < len(self._words) else None
        return self._words[self._next][0] in ("name", "segment") and following == ("sign", "=")

    def _value(self, *, depth: int) -> Expression:
        kind, word = self._take()
        match kind:
            case "text":
                return Literal(word[1:-1].replace(f"\\{word[0]}", word[0]))
            case "number":
                return Literal(float(word) if "." in word else int(word))
            case "word":
                return Literal(_WORDS[word])
            case "sign" if word == "(":
                return self._inner_call(depth=depth + 1)
            case "sign" if word == "@":
                return self._path(*self._take(), is_data=True)
            case "name" | "segment" | "up" | "sign":
                return self._path(kind, word, is_data=False)
        raise self._bad(f"{word!r} is not expected there")

    def _inner_call(self, *, depth: int) -> Call:
        if depth > MOST_DEPTH:
            raise self._bad(f"expressions are nested deeper than {MOST_DEPTH}")
        call = self._call(depth=depth)
        if self._peek() != ("sign", ")"):
            raise self._bad("the closing parenthesis is missing")
        self._next += 1
        return call

    def _path(self, kind: str, word: str, *, is_data: bool) -> Path:
        parts: list[str] = []
        up, shown, scoped = 0, "@" if is_data else "", False
        while True:
            shown += word
            if kind == "up" and not parts:
                up += 1
            elif word in ("this", ".") and kind in ("name", "sign") and not parts and not is_data:
                scoped = True
            elif kind == "name":
                parts.append(word)
            elif kind == "segment":
                parts.append(word[1:-1].replace("\\]", "]"))
            else:
                raise self._bad(f"{shown!r} is no path")
            if self._peek() not in (("sign", "."), ("sign", "/")):
                return Path(tuple(parts), up, is_data, scoped or up > 0, shown)
            shown += self._take()[1]
            kind, word = self._take()

    def _block_names(self) -> tuple[str, ...]:
        names: list[str] = []
        if self._take() != ("sign", "|"):
            raise self._bad("block parameters stand between | and |")
        while (word := self._take()) != ("sign", "|"):
            if word[0] != "name":
                raise self._bad("block parameters are names")
            names.append(word[1])
        return tuple(names)

    def _peek(self) -> tuple[str, str] | None:
        return self._words[self._next] if self._next < len(self._words) else None

    def _take(self) -> tuple[str, str]:
        if self._next >= len(self._words):
            raise self._bad("something is missing at the end")
        self._next += 1
        return self._words[self._next - 1]

    def _bad(self, why: str) -> TemplateError:
        return _error(self._template, self._at, why)


def _error(template: str, at: int, why: str) -> TemplateError:
    line = template.count("\n", 0, at) + 1
    column = at - (template.rfind("\n", 0, at) + 1) + 1
    return TemplateError(f"Line {line}, column {column}: {why}.")
