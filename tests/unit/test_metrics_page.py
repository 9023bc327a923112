"""The page of metrics says what there is: every name, type, label and meaning, and nothing else."""

import re
from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from bellrock.measures import Measures

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
ROW = re.compile(
    r"^\| `(?P<name>\w+)` \| (?P<type>\w+) \| (?P<labels>.*?) \| (?P<meaning>.*) \|$", re.MULTILINE
)


def in_the_code() -> set[tuple[str, str, str, str]]:
    found = set()
    for metric in Measures().registry._collector_to_names:
        assert isinstance(metric, MetricWrapperBase)
        ending = "_total" if metric._type == "counter" else ""
        labels = ", ".join(f"`{label}`" for label in metric._labelnames)
        found.add((metric._name + ending, str(metric._type), labels, metric._documentation))
    return found


def test_the_page_of_metrics_says_what_there_is() -> None:
    rows = {
        match.group("name", "type", "labels", "meaning") for match in ROW.finditer(PAGE.read_text("utf-8"))
    }
    assert rows == in_the_code()


def test_every_metric_names_its_unit_where_it_has_one() -> None:
    for name, _, _, meaning in in_the_code():
        timed = re.search(r"\b(how long|age of|from the request|when a)\b", meaning, re.IGNORECASE)
        assert name.startswith("bellrock_")
        assert not timed or "_seconds" in name
        assert ("bytes" in meaning.lower().split()) <= ("_bytes" in name)
