"""Paths and why each is here. What is expected comes from the original library, where nothing is given."""

from dataclasses import dataclass, field

STORE: dict[str, object] = {
    "store": {
        "book": [
            {"category": "reference", "author": "Rees", "title": "Sayings", "price": 8.95},
            {"category": "fiction", "author": "Waugh", "title": "Sword", "price": 12.99},
            {"category": "fiction", "author": "Melville", "title": "Moby", "isbn": "0-553", "price": 8.99},
            {"category": "fiction", "author": "Tolkien", "title": "Rings", "isbn": "0-395", "price": 22.99},
        ],
        "bicycle": {"color": "red", "price": 19.95},
    },
    "total": 4,
    "empty": [],
    "nothing": None,
    "flag": False,
    "text": "hello",
    "odd-name": 1,
    "with space": 2,
    "$price": 3,
    "matrix": [[1, 2], [3, 4]],
}


@dataclass(frozen=True)
class PathCase:
    """``expected`` only where we differ from the library on purpose, for the reason given."""

    path: str
    reason: str
    value: object = field(default_factory=lambda: STORE)
    expected: list[object] | None = None


BOOKS = STORE["store"]["book"]  # type: ignore[index]

PATH_CASES = (
    PathCase("$", "the whole"),
    PathCase("$.total", "a field"),
    PathCase("$['total']", "in brackets"),
    PathCase('$["total"]', "in double quotes"),
    PathCase("$.store.bicycle.color", "a field of a field"),
    PathCase("$.missing", "nothing"),
    PathCase("$.store.missing.deeper", "nothing of nothing"),
    PathCase("$.nothing", "null is something"),
    PathCase("$.flag", "so is false"),
    PathCase("$.empty", "and an empty list"),
    PathCase("$['odd-name']", "a name with a dash"),
    PathCase("$['with space']", "a name with a space"),
    PathCase("$.odd-name", "a dash without brackets: RFC 9535 refuses it, people write it"),
    PathCase("$.store.book[0].title", "an item"),
    PathCase("$.store.book[3]['author']", "brackets and dots mixed"),
    PathCase("$.store.book[9]", "an item that is not there"),
    PathCase("$.store.book[-1:].title", "the last, as a slice"),
    PathCase(
        "$.store.book[-1].title",
        "the last: the library finds nothing, RFC 9535 counts from the end",
        expected=["Rings"],
    ),
    PathCase("$.store.book[(@.length-1)].title", "the last, as a script"),
    PathCase("$.store.book[(@.length-2)].title", "the one before"),
    PathCase("$.store.book[0:2].title", "a slice"),
    PathCase("$.store.book[:2].title", "a slice from the start"),
    PathCase("$.store.book[1:].title", "a slice to the end"),
    PathCase("$.store.book[::2].title", "every second"),
    PathCase("$.store.book[0,2].title", "a union of items"),
    PathCase(
        "$.store.bicycle['color','price']",
        "fields in quotes: the library finds none, RFC 9535 both",
        expected=["red", 19.95],
    ),
    PathCase("$.store.book[*].author", "all items"),
    PathCase("$.store.*", "all fields"),
    PathCase("$.store.bicycle.*", "all values of an object"),
    PathCase("$.matrix[*][0]", "the first of each"),
    PathCase("$.matrix[*][*]", "all of all"),
    PathCase("$..author", "at any depth"),
    PathCase("$..isbn", "at any depth, where there is one"),
    PathCase("$.store..price", "at any depth below"),
    PathCase("$..book[2].title", "an item at any depth"),
    PathCase("$..missing", "nothing at any depth"),
    PathCase("$.store.book[?(@.price < 10)].title", "a filter"),
    PathCase("$.store.book[?(@.price > 10 && @.category == 'fiction')].title", "and"),
    PathCase("$.store.book[?(@.price > 20 || @.category == 'reference')].title", "or"),
    PathCase("$.store.book[?(@.isbn)].title", "whether there is one"),
    PathCase("$.store.book[?(!@.isbn)].title", "whether there is none"),
    PathCase("$.store.book[?(@.category != 'fiction')].title", "not equal"),
    PathCase("$.store.book[?(@.price == 8.95)].title", "equal to a number"),
    PathCase("$.store.book[?(@.price >= 8.99)].title", "at least"),
    PathCase("$.store.book[?(@.title === 'Moby')].title", "JavaScript's three equals signs"),
    PathCase("$.store.book[?(@.title !== 'Moby')].title", "and its unequal ones"),
    PathCase("$..book[?(@.price < 9)].title", "a filter at any depth"),
    PathCase("$.store.book[?(@.author == 'Nobody')]", "a filter that finds nothing"),
    PathCase(
        "$.store.book[?@.price < 10].title",
        "RFC 9535's filter without parentheses, which the library reads otherwise",
        expected=["Sayings", "Moby"],
    ),
    PathCase("$.store.book.length", "the length of a list"),
    PathCase("$.text.length", "the length of a text"),
    PathCase("$.empty.length", "of an empty list"),
    PathCase("$.store.book[0].title.length", "of a text further in"),
    PathCase("$.length", "a field that is called length", {"length": 7}),
    PathCase("$.length", "the length of the whole, a list", [1, 2, 3]),
    PathCase("$[0]", "an item of the whole", ["a", "b"]),
    PathCase("$[*].id", "fields of the items of the whole", [{"id": 1}, {"id": 2}, {}]),
    PathCase(
        "$[?(@.id == 2)].name", "a filter of the whole", [{"id": 1, "name": "x"}, {"id": 2, "name": "y"}]
    ),
    PathCase(
        "$.items[?(@.tags.length > 1)].id",
        "a length in a filter",
        {"items": [{"id": 1, "tags": ["a"]}, {"id": 2, "tags": ["a", "b"]}]},
    ),
    PathCase(
        "$.items[?(@.on == true)].id",
        "true in a filter",
        {"items": [{"id": 1, "on": True}, {"id": 2, "on": False}]},
    ),
    PathCase(
        "$.items[?(@.gone == null)].id",
        "null in a filter: what is missing is null to JavaScript, and is not to RFC 9535",
        {"items": [{"id": 1, "gone": None}, {"id": 2}]},
        expected=[1],
    ),
    PathCase("$.a.b.c", "deep", {"a": {"b": {"c": [1, 2]}}}),
    PathCase("$.a['b'].c[1]", "deep, mixed", {"a": {"b": {"c": [1, 2]}}}),
    PathCase("$.ä", "letters beyond ASCII", {"ä": "umlaut"}),
    PathCase("$['a.b']", "a dot in a name", {"a.b": 1, "a": {"b": 2}}),
    PathCase("$.*", "all fields of the whole", {"a": 1, "b": [2]}),
    PathCase("$..*", "everything", {"a": {"b": 1}}),
)

BAD_PATHS = (
    ("", "an empty path"),
    ("store.book", "a path that does not start with $"),
    ("$.store.book[", "a bracket that is never closed"),
    ("$.store.book[?(@.price <)]", "half a comparison"),
    ("$.store.book[?(@.title.match(/x/))]", "JavaScript in a filter: not supported, and said so"),
)
