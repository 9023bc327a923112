"""From a template's tree and its values to text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bellrock.expressions.handlebars.syntax import (
    Block,
    Call,
    Expression,
    Literal,
    Node,
    Output,
    Path,
    TemplateError,
    Text,
)
from bellrock.expressions.javascript import UNDEFINED, is_truthy, text

MOST_TEXT = 10 * 1024**2
"""Characters that a template may become: loops in loops would fill the memory."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where names are looked up: the contexts, the innermost last, block parameters, and loops' data."""

    contexts: tuple[object, ...]
    names: Mapping[str, object] = field(default_factory=dict)
    data: tuple[Mapping[str, object], ...] = ()

    @property
    def this(self) -> object:
        """The innermost context."""
        return self.contexts[-1]

    def inside(
        self,
        this: object,
        *,
        names: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
    ) -> "Scope":
        """The scope of a block whose context is ``this``. The same context is not one more."""
        contexts = self.contexts if this is self.this else (*self.contexts, this)
        frames = self.data if data is None else (*self.data, {**self.data[-1], **data})
        return Scope(contexts, {**self.names, **(names or {})}, frames)


@dataclass(frozen=True, slots=True)
class Use:
    """How a helper is used: its named arguments, the context, and the two bodies of its block."""

    named: Mapping[str, object]
    scope: Scope
    body: Callable[[Scope], str] | None = None
    otherwise: Callable[[Scope], str] | None = None
    names: tuple[str, ...] = ()

    @property
    def is_block(self) -> bool:
        """Whether it stands in `{{#…}}`."""
        return self.body is not None

    def choose(self, value: object) -> object:
        """For a block its body or what is after its else; elsewhere the value itself."""
        if self.body is None or self.otherwise is None:
            return value
        return (self.body if is_truthy(value) else self.otherwise)(self.scope)


class Helper(Protocol):
    """A function of templates. Raises TemplateError for arguments it cannot work with."""

    def __call__(self, arguments: Sequence[object], use: Use, /) -> object: ...


class Renderer:
    """Renders trees with one way of escaping and one set of helpers."""

    def __init__(self, *, escape: Callable[[str], str], helpers: Mapping[str, Helper]) -> None:
        self._escape = escape
        self._helpers = helpers
        self._left = MOST_TEXT

    def render(self, nodes: Sequence[Node], values: Mapping[str, object]) -> str:
        """The text. Raises TemplateError."""
        self._left = MOST_TEXT
        return self._body(nodes, Scope((values,), data=({"root": values},)))

    def _body(self, nodes: Sequence[Node], scope: Scope) -> str:
        pieces = []
        for node in nodes:
            piece = self._node(node, scope)
            self._left -= len(piece)
            if self._left < 0:
                raise TemplateError(f"The result is longer than {MOST_TEXT} characters.")
            pieces.append(piece)
        return "".join(pieces)

    def _node(self, node: Node, scope: Scope) -> str:
        match node:
            case Text():
                return node.text
            case Output():
                value = self._call(node.call, scope)
                if value is None or value is UNDEFINED:
                    return ""
                return text(value) if node.is_raw else self._escape(text(value))
            case Block():
                return self._block(node, scope)

    def _block(self, block: Block, scope: Scope) -> str:
        def body(inner: Scope) -> str:
            return self._body(block.body, inner)

        def otherwise(inner: Scope) -> str:
            return self._body(block.otherwise, inner)

        call = block.call
        helper = self._helper_of(call)
        if helper is not None:
            use = Use(self._named(call, scope), scope, body, otherwise, block.names)
            value = helper([self._value(each, scope) for each in call.arguments], use)
            return "" if value is None or value is UNDEFINED or value is False else text(value)
        if call.has_arguments:
            raise _missing(call)
        value = self._value(call.callee, scope)
        use = Use({}, scope, body, otherwise, block.names)
        if value is True:
            return body(scope)
        if value is False or value is None or value is UNDEFINED:
            return otherwise(scope)
        if isinstance(value, list):
            return each([value], use)
        return body(scope.inside(value))

    def _call(self, call: Call, scope: Scope) -> object:
        helper = self._helper_of(call)
        if helper is not None:
            arguments = [self._value(each, scope) for each in call.arguments]
            return helper(arguments, Use(self._named(call, scope), scope))
        if call.has_arguments:
            raise _missing(call)
        return self._value(call.callee, scope)

    def _helper_of(self, call: Call) -> Helper | None:
        callee = call.callee
        if not isinstance(callee, Path) or callee.is_data or callee.is_scoped or len(callee.parts) != 1:
            return None
        return self._helpers.get(callee.parts[0])

    def _named(self, call: Call, scope: Scope) -> dict[str, object]:
        return {name: self._value(value, scope) for name, value in call.named}

    def _value(self, expression: Expression, scope: Scope) -> object:
        match expression:
            case Literal():
                return expression.value
            case Call():
                if self._helper_of(expression) is None:
                    raise _missing(expression)
                return self._call(expression, scope)
            case Path():
                return look_up(expression, scope)


def look_up(path: Path, scope: Scope) -> object:
    """What a path stands for, `UNDEFINED` where nothing does."""
    if path.is_data:
        value: object = scope.data[-1 - path.up] if path.up < len(scope.data) else UNDEFINED
    elif path.up >= len(scope.contexts):
        return UNDEFINED
    elif path.parts and not path.is_scoped and path.parts[0] in scope.names:
        value = scope.names
    else:
        value = scope.contexts[-1 - path.up]
    for part in path.parts:
        value = part_of(value, part)
    return value


def part_of(value: object, part: str) -> object:
    """A field of an object, an item of a list, or the length of a list or text."""
    if isinstance(value, Mapping):
        return value.get(part, UNDEFINED)
    if isinstance(value, list | str):
        if part == "length":
            return len(value)
        if part.isdecimal() and int(part) < len(value):
            return value[int(part)]
    return UNDEFINED


def each(arguments: Sequence[object], use: Use) -> str:
    """The body once per item, with `@index` or `@key`, `@first` and `@last`."""
    if use.body is None or use.otherwise is None:
        raise TemplateError("each is a block: {{#each …}}…{{/each}}.")
    if len(arguments) != 1:
        raise TemplateError("each needs one list or object.")
    values = arguments[0]
    if isinstance(values, Mapping):
        items = list(values.items())
    elif isinstance(values, list):
        items = list(enumerate(values))
    else:
        items = []
    if not items:
        return use.otherwise(use.scope)
    pieces = []
    for index, (key, value) in enumerate(items):
        data = {"index": index, "key": key, "first": index == 0, "last": index == len(items) - 1}
        if isinstance(values, list):
            data["last"] = index == len(items) - 1
        names = dict(zip(use.names, (value, key), strict=False))
        pieces.append(use.body(use.scope.inside(value, names=names, data=data)))
    return "".join(pieces)


def _missing(call: Call) -> TemplateError:
    name = call.callee.shown if isinstance(call.callee, Path) else text(call.callee.value)
    return TemplateError(f"There is no helper {name!r}.")
