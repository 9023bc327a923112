"""Templates and why each is here. The expected text comes from the original library, where none is given."""

from dataclasses import dataclass, field

VALUES: dict[str, object] = {
    "WORD": "plain",
    "SPACES": "a b",
    "QUERY": "x=1&y=ä/ö?#",
    "BASE": "https://shop.example:8443/api",
    "MARKUP": '<b>"it\'s"</b>',
    "EMPTY": "",
    "ZERO": 0,
    "ONE": 1,
    "HALF": 0.5,
    "BIG": 12345678901,
    "MINUS": -3,
    "YES": True,
    "NO": False,
    "NOTHING": None,
    "LIST": ["a", "b", "c"],
    "NUMBERS": [1, 2, 3],
    "NESTED": [[1, 2], [3]],
    "NONE": [],
    "OBJECT": {"name": "shop", "inner": {"deep": "found"}, "with-dash": "dashed", "with space": "spaced"},
    "PEOPLE": [{"name": "Ada", "tags": ["x"]}, {"name": "Grace", "tags": []}],
    "TAGS": ["team:web", "app=api", "loose", "env:prod:eu"],
    "length": "a variable called length",
}


@dataclass(frozen=True)
class Case:
    """``expected`` only where we differ from the library on purpose, for the reason given."""

    template: str
    reason: str
    values: dict[str, object] = field(default_factory=lambda: VALUES)
    helpers: bool = False
    expected: str | None = None


CASES = (
    # --- values
    Case("no braces at all", "text is kept"),
    Case("{{WORD}}", "a variable"),
    Case("{{ WORD }}", "space inside braces does not count"),
    Case("{{SPACES}}", "two braces encode for a URI"),
    Case("{{{SPACES}}}", "three braces do not"),
    Case("{{&SPACES}}", "the ampersand is the same as three braces"),
    Case("{{QUERY}}", "what has a meaning in a URI stays, letters beyond ASCII are encoded as UTF-8"),
    Case("{{BASE}}/items", "a base URL stays one"),
    Case("{{MARKUP}}", "markup is encoded for a URI, not for HTML"),
    Case("{{UNKNOWN}}", "an unknown variable is empty"),
    Case("[{{EMPTY}}]", "an empty one, too"),
    Case("{{ZERO}} {{ONE}} {{HALF}} {{BIG}} {{MINUS}}", "numbers are shown as JavaScript shows them"),
    Case("{{{ZERO}}} {{{HALF}}}", "and raw as well"),
    Case("{{YES}} {{NO}} [{{NOTHING}}]", "true and false are words, null is empty"),
    Case("{{{YES}}} {{{NO}}} [{{{NOTHING}}}]", "and raw as well"),
    Case("{{LIST}}", "a list is joined with commas"),
    Case("{{{NESTED}}}", "a list of lists as well"),
    Case("{{{OBJECT}}}", "an object has no text of its own"),
    Case(
        "{{tiny}} {{huge}} {{exact}}",
        "numbers beyond the plain ones",
        {"tiny": 1e-7, "huge": 1e21, "exact": 1e20},
    ),
    Case("{{a}} {{b}}", "digits are the shortest that are the number", {"a": 0.1, "b": 123456.789}),
    # --- paths
    Case("{{OBJECT.name}}", "a field"),
    Case("{{OBJECT.inner.deep}}", "a field of a field"),
    Case("{{OBJECT/inner/deep}}", "the slash is the older dot"),
    Case("{{OBJECT.missing.deep}}", "a field of nothing is nothing"),
    Case("{{LIST.[1]}} {{LIST.1}}", "an item of a list"),
    Case("{{LIST.length}}", "the length of a list"),
    Case("{{OBJECT.with-dash}}", "names may have dashes"),
    Case("{{OBJECT.[with space]}}", "and in brackets anything"),
    Case("{{this.WORD}} {{./WORD}}", "the context by its name"),
    Case("{{PEOPLE.[0].name}}", "a field of an item"),
    Case("{{length}}", "a variable may have a name that lists have"),
    # --- escapes, comments, space
    Case("\\{{WORD}}", "a backslash keeps braces as they are"),
    Case("\\\\{{WORD}}", "two keep one backslash"),
    Case("a\\{{WORD}} b {{WORD}}", "only the braces right after it"),
    Case("a{{! never shown }}b", "a comment"),
    Case("a{{!-- with }} in it --}}b", "a long comment"),
    Case("a {{~WORD~}} b", "the tilde eats space"),
    Case("a\n{{#if YES}}\n  yes\n{{/if}}\nb", "a block's tag alone on its line leaves no line"),
    Case("{{#if YES}}\nyes\n{{else}}\nno\n{{/if}}\n", "nor does its else"),
    Case("  {{! alone }}\nnext", "nor does a comment"),
    Case("a {{#if YES}} b {{/if}} c", "in a line, space stays"),
    Case("{{#each LIST}}\n{{this}}\n{{/each}}", "a value alone on its line stays on it"),
    Case("{{#if YES}}{{~WORD~}} {{/if}}!", "the tilde reaches to the block's end and no further"),
    # --- blocks
    Case("{{#if YES}}a{{/if}}{{#if NO}}b{{/if}}", "if"),
    Case("{{#if ZERO}}a{{else}}b{{/if}}{{#if EMPTY}}a{{else}}b{{/if}}", "0 and empty texts are false"),
    Case("{{#if ZERO includeZero=true}}a{{else}}b{{/if}}", "0 may be said to be true"),
    Case("{{#if NONE}}a{{else}}b{{/if}}{{#if OBJECT}}a{{else}}b{{/if}}", "an empty list is false"),
    Case("{{#unless NO}}a{{/unless}}{{#unless YES}}b{{else}}c{{/unless}}", "unless"),
    Case("{{#if NO}}a{{else if YES}}b{{else}}c{{/if}}", "else if"),
    Case("{{#if NO}}a{{else if NO}}b{{else}}c{{/if}}", "the last else of a chain"),
    Case("{{#if NO}}a{{else if NO}}b{{else if YES}}c{{/if}}", "a chain without an else"),
    Case("{{#if NO}}a{{^}}b{{/if}}", "the hat is the older else"),
    Case("{{^if NO}}a{{else}}b{{/if}}", "a block that begins with its else"),
    Case("{{#each LIST}}{{@index}}{{this}}{{#unless @last}},{{/unless}}{{/each}}", "each with its data"),
    Case("{{#each LIST}}{{#if @first}}first {{/if}}{{.}}{{/each}}", "the dot is the item"),
    Case("{{#each OBJECT.inner}}{{@key}}={{this}}{{/each}}", "each of an object"),
    Case("{{#each NONE}}a{{else}}nothing{{/each}}", "each of nothing"),
    Case("{{#each UNKNOWN}}a{{else}}nothing{{/each}}", "each of an unknown variable"),
    Case(
        "{{#each PEOPLE}}{{name}}:{{#each tags}}{{this}}-{{../name}}{{/each}};{{/each}}", "the context above"
    ),
    Case(
        "{{#each PEOPLE}}{{#if tags.length}}{{name}}{{../WORD}}{{/if}}{{/each}}",
        "if is no context of its own",
    ),
    Case("{{#each LIST}}{{@root.WORD}}{{/each}}", "the outermost context"),
    Case("{{#each LIST as |item at|}}{{at}}{{item}}{{/each}}", "named items"),
    Case(
        "{{#each PEOPLE as |person|}}{{#each person.tags}}{{person.name}}{{/each}}{{/each}}",
        "seen from inside",
    ),
    Case("{{#with OBJECT}}{{name}} {{../WORD}}{{/with}}", "with"),
    Case("{{#with OBJECT.inner as |it|}}{{it.deep}}{{/with}}", "with, named"),
    Case("{{#with NOTHING}}a{{else}}b{{/with}}", "with nothing"),
    Case("{{#OBJECT}}{{name}}{{/OBJECT}}", "a block of an object"),
    Case("{{#LIST}}{{this}}-{{/LIST}}", "a block of a list"),
    Case("{{#YES}}a{{/YES}}{{#NO}}b{{/NO}}{{^NO}}c{{/NO}}", "a block of true and false"),
    Case("{{lookup LIST 1}} {{lookup OBJECT 'name'}}", "lookup"),
    Case("{{#each LIST}}{{lookup ../NUMBERS @index}}{{/each}}", "lookup by the index"),
    Case("{{#each NESTED}}{{#each this}}{{@../index}}{{/each}}{{/each}}", "the index above"),
    # --- what cannot be read
    Case("{{WORD", "braces that are never closed"),
    Case("{{#if YES}}a", "a block that is never closed"),
    Case("{{#if YES}}a{{/each}}", "a block closed by another's name"),
    Case("{{/if}}", "a closing without a block"),
    Case("{{}}", "nothing between the braces"),
    Case("{{unknown 1}}", "an unknown helper with arguments"),
    Case("{{> part}}", "a partial that is not there"),
    Case(
        '{"a": {{#if YES}}1{{/if}}}',
        "JSON around a block: the library refuses it, people write it",
        expected='{"a": 1}',
    ),
    # --- the contract's helpers
    Case('{{#if (eq ONE 1)}}a{{/if}}{{#eq WORD "plain"}}b{{else}}c{{/eq}}', "eq", helpers=True),
    Case('{{eq ONE "1"}} {{is ONE "1"}} {{isnt ONE "1"}}', "eq is strict, is is not", helpers=True),
    Case("{{#gt BIG ONE}}a{{/gt}}{{#lt BIG ONE}}b{{else}}c{{/lt}}", "gt, lt", helpers=True),
    Case(
        "{{gte ONE 1}} {{lte ONE 0}} {{gt 'b' 'a'}} {{lt '10' '9'}}",
        "gte, lte; texts by their letters",
        helpers=True,
    ),
    Case("{{#and YES ONE WORD}}a{{/and}}{{#and YES ZERO}}b{{else}}c{{/and}}", "and", helpers=True),
    Case("{{#or NO ZERO WORD}}a{{/or}}{{or NO ZERO}}", "or", helpers=True),
    Case("{{#not NO}}a{{/not}}{{not YES}}", "not", helpers=True),
    Case("{{#neither NO ZERO}}a{{else}}b{{/neither}}", "neither", helpers=True),
    Case('{{#compare ONE "<" 2}}a{{/compare}}{{compare ONE "===" "1"}}', "compare", helpers=True),
    Case(
        '{{compare WORD "typeof" "string"}}{{compare LIST "typeof" "object"}}', "compare types", helpers=True
    ),
    Case('{{compare ONE "~" 2}}', "compare with an unknown operator", helpers=True),
    Case('{{#contains LIST "b"}}a{{/contains}}{{contains WORD "lai"}}', "contains", helpers=True),
    Case('{{#contains LIST "z"}}a{{else}}b{{/contains}}', "does not contain", helpers=True),
    Case(
        '{{contains LIST "a" 1}} {{contains NOTHING "a"}}',
        "contains, from an index; in nothing",
        helpers=True,
    ),
    Case('{{#has LIST "b"}}a{{/has}}{{#has OBJECT "name"}}b{{/has}}', "has", helpers=True),
    Case(
        "{{#unlessEq ONE 2}}a{{/unlessEq}}{{#unlessGt ONE 0}}b{{else}}c{{/unlessGt}}", "unless…", helpers=True
    ),
    Case(
        "{{#unlessLt ONE 0}}a{{/unlessLt}}{{#unlessGteq ONE 1}}b{{else}}c{{/unlessGteq}}",
        "unless…",
        helpers=True,
    ),
    Case("{{#unlessLteq 2 1}}a{{/unlessLteq}}", "unless…", helpers=True),
    Case("{{#ifEven 2}}a{{/ifEven}}{{#ifOdd 2}}b{{else}}c{{/ifOdd}}", "even and odd", helpers=True),
    Case("{{#ifEven WORD}}a{{/ifEven}}", "no number is even", helpers=True),
    Case("{{#ifNth 3 6}}a{{/ifNth}}{{#ifNth 3 7}}b{{else}}c{{/ifNth}}", "every nth", helpers=True),
    Case(
        "{{isFalsey 'no'}} {{isTruthy 'yes'}} {{isFalsey ZERO}} {{isTruthy LIST}}",
        "words for no",
        helpers=True,
    ),
    Case("{{default NOTHING UNKNOWN WORD}} {{default EMPTY 'x'}}", "default", helpers=True),
    Case('{{split "a/b/c" "/" 1}}', "split", helpers=True),
    Case('{{#each (split "a/b" "/" -1)}}{{this}};{{/each}}', "split as a list", helpers=True),
    Case(
        '{{tagValue TAGS "team"}} {{tagValue TAGS "app"}} {{tagValue TAGS "env"}}',
        "the value of a tag",
        helpers=True,
    ),
    Case('{{tagValue TAGS "none" "other"}}{{tagValue TAGS "loose"}}', "of no tag", helpers=True),
    Case(
        '{{tagValue WORD "team" "other"}}{{tagValue TAGS "team:"}}',
        "of no list; a key with its colon",
        helpers=True,
    ),
    Case(
        '{{startsWith WORD "pl"}} {{startsWith WORD "x"}} {{startsWith NOTHING ""}}',
        "startsWith",
        helpers=True,
    ),
    Case('{{replace "a-b-c" "-" "+"}} {{replace WORD "x" "y"}}', "replace, the first", helpers=True),
    Case('{{replace "a$b" "$" "$&"}}', "nothing in it is a pattern", helpers=True),
    Case("{{year}} {{year 2}}", "the year", helpers=True),
    Case("{{moment}}", "today in words", helpers=True),
    Case('{{moment "YYYY-MM-DD HH:mm:ss.SSS"}}', "now by a pattern", helpers=True),
    Case(
        '{{{moment "2020-06-05T03:04:05" "YY M MMM MMMM D Do d dd ddd dddd H h hh k kk A a m s"}}}',
        "every symbol",
        helpers=True,
    ),
    Case('{{{moment "2020-06-05 23:00" "X x Q [at] Z ZZ"}}}', "stamps, quarter, text, zone", helpers=True),
    Case('{{moment "2 days ago" "YYYY-MM-DD"}} {{moment "an hour ago" "HH"}}', "ago", helpers=True),
    Case('{{moment "in a month" "YYYY-MM-DD"}} {{moment "3 weeks from now" "MM-DD"}}', "ahead", helpers=True),
    Case(
        '{{moment "last month" "YYYY-MM-DD"}} {{moment "next year" "YYYY"}}',
        "the month before has fewer days",
        helpers=True,
    ),
    Case(
        '{{{moment "today" "HH:mm"}}} {{moment "yesterday" "DD"}} {{moment "tomorrow" "D"}}',
        "days begin at midnight",
        helpers=True,
    ),
    Case('{{moment "someday" "YYYY"}}', "a date that nobody understands", helpers=True),
    Case(
        '{{moment "2020" "YYYY-MM-DD"}} {{moment "2020-13-40" "YYYY-MM-DD"}}',
        "parts of dates, and too much of them",
        helpers=True,
    ),
)
