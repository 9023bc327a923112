"""Chunks of a stream become lines, whatever is in them."""

from hypothesis import given
from hypothesis import strategies as st

from bellrock.runner.supervisor.output import LineCutter


def cut_all(chunks: list[bytes]) -> list[str]:
    cutter = LineCutter("stdout")
    lines = [line for chunk in chunks for line in cutter.cut(chunk)]
    return [line.text for line in [*lines, *cutter.cut(b"", final=True)]]


@given(st.text(alphabet="aé€😀\n", max_size=60), st.integers(1, 5))
def test_where_a_chunk_is_cut_makes_no_difference(text: str, size: int) -> None:
    data = text.encode()
    chunks = [data[start : start + size] for start in range(0, len(data), size)]
    assert cut_all(chunks) == cut_all([data])


@given(st.binary(max_size=80))
def test_any_bytes_become_text(data: bytes) -> None:
    assert "".join(cut_all([data])).count("\n") == 0


def test_a_line_without_end_is_cut_into_parts_of_bounded_length() -> None:
    parts = cut_all([b"x" * 10_000] * 10)
    assert sum(len(part) for part in parts) == 100_000
    assert max(len(part) for part in parts) <= 16 * 1024
