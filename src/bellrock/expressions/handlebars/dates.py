"""The `moment` helper: dates said in words, and patterns to show them by."""

import calendar
import re
from collections.abc import Callable, Sequence
from datetime import MAXYEAR, MINYEAR, datetime, timedelta

from bellrock.expressions.handlebars.syntax import TemplateError
from bellrock.expressions.javascript import UNDEFINED

_LONG = "MMMM DD, YYYY"
_UNITS = "second|minute|hour|day|week|month|year"
_NUMBERS = {"a": 1, "an": 1} | dict(
    zip(
        [
            "a",
            "an",
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
        ],
        (1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12),
        strict=True,
    )
)
_COUNT = rf"(?P<count>\d{{1,9}}|{'|'.join(_NUMBERS)})\s+(?P<unit>{_UNITS})s?"
_AGO = re.compile(rf"{_COUNT}\s+ago")
_AHEAD = re.compile(rf"(?:in\s+)?{_COUNT}(?:\s+from\s+now)?")
_NEIGHBOUR = re.compile(rf"(?P<which>last|next)\s+(?P<unit>{_UNITS})")
_ABSOLUTE = re.compile(
    r"(\d{4})[-/]?(\d{1,2})?[-/]?(\d{0,2})[Tt\s]*(\d{1,2})?:?(\d{1,2})?:?(\d{1,2})?[.:]?(\d+)?"
)
_MONTHS_OF_YEAR = 12


def moment(arguments: Sequence[object], now: datetime) -> str:
    """Now, or the date that the first of two arguments names, by the pattern that the last one is.

    Raises TemplateError for a date that is not understood.
    """
    given = [each for each in arguments if each is not UNDEFINED]
    match given[:2]:
        case []:
            return show(now, _LONG)
        case [str() as pattern]:
            return show(now, pattern)
        case [str() as date, str() as pattern]:
            return show(read(date, now), pattern)
        case [int() | float() as stamp_ms, *rest]:
            pattern = rest[0] if rest and isinstance(rest[0], str) else "YYYY-MM-DDTHH:mm:ssZ"
            return show(_from_stamp(stamp_ms, now), pattern)
    raise TemplateError("moment takes a date and a pattern, each in quotes.")


def read(words: str, now: datetime) -> datetime:
    """The moment that words name, seen from ``now``. Raises TemplateError."""
    said = words.strip().lower()
    try:
        found = _in_words(said, now)
        return found if found is not None else _absolute(words, now)
    except (ValueError, OverflowError) as error:
        raise TemplateError(f"The date {words!r} is not understood.") from error


def show(moment: datetime, pattern: str) -> str:
    """A moment by a pattern such as `YYYY-MM-DD HH:mm:ss`; what stands in [brackets] is kept."""
    return _SYMBOL.sub(lambda found: found[1] or _SHOWN[found[0]](moment), pattern)


def _from_stamp(stamp_ms: float, now: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(stamp_ms / 1000, tz=now.tzinfo)
    except (ValueError, OverflowError, OSError) as error:
        raise TemplateError(f"The date {stamp_ms} is not understood.") from error


def _in_words(said: str, now: datetime) -> datetime | None:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    fixed = {
        "now": now,
        "today": midnight,
        "yesterday": midnight - timedelta(days=1),
        "tomorrow": midnight + timedelta(days=1),
    }
    if said in fixed:
        return fixed[said]
    if found := _AGO.fullmatch(said):
        return _later(now, -_count(found["count"]), found["unit"])
    if found := _AHEAD.fullmatch(said):
        return _later(now, _count(found["count"]), found["unit"])
    if found := _NEIGHBOUR.fullmatch(said):
        return _later(now, -1 if found["which"] == "last" else 1, found["unit"])
    return None


def _absolute(words: str, now: datetime) -> datetime:
    if found := _ABSOLUTE.fullmatch(words):
        year, month, day, hour, minute, second = (int(found[group] or 0) for group in range(1, 7))
        milliseconds = int((found[7] or "0")[:3])
        # As JavaScript counts: the 13th month is next January, the 31st of April is the 1st of May.
        first = datetime(year, 1, 1, tzinfo=now.tzinfo)
        first = _later(first, max(month, 1) - 1, "month")
        past = timedelta(days=max(day, 1) - 1, hours=hour, minutes=minute, seconds=second)
        return first + past + timedelta(milliseconds=milliseconds)
    read_moment = datetime.fromisoformat(words)
    return (
        read_moment.astimezone(now.tzinfo) if read_moment.tzinfo else read_moment.replace(tzinfo=now.tzinfo)
    )


def _count(word: str) -> int:
    return _NUMBERS.get(word) or int(word)


def _later(moment: datetime, count: int, unit: str) -> datetime:
    if unit in ("month", "year"):
        months = moment.year * _MONTHS_OF_YEAR + moment.month - 1
        months += count * (_MONTHS_OF_YEAR if unit == "year" else 1)
        year, month = divmod(months, _MONTHS_OF_YEAR)
        if not MINYEAR <= year <= MAXYEAR:
            raise ValueError(f"year {year}")
        day = min(moment.day, calendar.monthrange(year, month + 1)[1])
        return moment.replace(year=year, month=month + 1, day=day)
    return moment + count * timedelta(**{f"{unit}s": 1})


def _ordinal(number: int) -> str:
    teens = range(11, 14)
    ending = "th" if number % 100 in teens else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _offset(moment: datetime, *, colon: bool) -> str:
    text = moment.strftime("%z") or "+0000"
    return f"{text[:3]}:{text[3:5]}" if colon else text[:5]


def _hour_of_12(moment: datetime) -> int:
    return moment.hour % 12 or 12


def _sunday_first(moment: datetime) -> int:
    return moment.isoweekday() % 7


_WEEKDAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_SHOWN: dict[str, Callable[[datetime], str]] = {
    "YY": lambda at: f"{at.year % 100:02d}",
    "YYYY": lambda at: f"{at.year:04d}",
    "Q": lambda at: str((at.month + 2) // 3),
    "M": lambda at: str(at.month),
    "MM": lambda at: f"{at.month:02d}",
    "MMM": lambda at: _MONTHS[at.month - 1][:3],
    "MMMM": lambda at: _MONTHS[at.month - 1],
    "D": lambda at: str(at.day),
    "DD": lambda at: f"{at.day:02d}",
    "Do": lambda at: _ordinal(at.day),
    "d": lambda at: str(_sunday_first(at)),
    "dd": lambda at: _WEEKDAYS[_sunday_first(at)][:2],
    "ddd": lambda at: _WEEKDAYS[_sunday_first(at)][:3],
    "dddd": lambda at: _WEEKDAYS[_sunday_first(at)],
    "H": lambda at: str(at.hour),
    "HH": lambda at: f"{at.hour:02d}",
    "h": lambda at: str(_hour_of_12(at)),
    "hh": lambda at: f"{_hour_of_12(at):02d}",
    "k": lambda at: str(at.hour or 24),
    "kk": lambda at: f"{at.hour or 24:02d}",
    "A": lambda at: "AM" if at.hour < 12 else "PM",  # noqa: PLR2004 - noon
    "a": lambda at: "am" if at.hour < 12 else "pm",  # noqa: PLR2004 - noon
    "m": lambda at: str(at.minute),
    "mm": lambda at: f"{at.minute:02d}",
    "s": lambda at: str(at.second),
    "ss": lambda at: f"{at.second:02d}",
    "SSS": lambda at: f"{at.microsecond // 1000:03d}",
    "Z": lambda at: _offset(at, colon=True),
    "ZZ": lambda at: _offset(at, colon=False),
    "X": lambda at: str(int(at.timestamp() // 1)),
    "x": lambda at: str(int(at.timestamp() * 1000 // 1)),
}
_SYMBOL = re.compile(
    r"\[([^\]]+)\]|Do|YYYY|YY|M{1,4}|D{1,2}|d{1,4}|H{1,2}|h{1,2}|k{1,2}|a|A|m{1,2}|s{1,2}|ZZ?|SSS|Q|X|x"
)
