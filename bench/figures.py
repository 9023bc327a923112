"""How figures are summed up and printed, alike in every benchmark."""

from collections.abc import Sequence

PARTS = (0.5, 0.95, 0.99)
HEADER = f"{'':<50}{'n':>6}{'p50':>9}{'p95':>9}{'p99':>9}{'max':>9}"


def percentile(values: Sequence[float], part: float) -> float:
    """The value that ``part`` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def line(name: str, values: Sequence[float]) -> str:
    """One row below `HEADER`: p50, p95, p99, max."""
    figures = [percentile(values, part) for part in PARTS] + [max(values)] if values else []
    return f"{name:<50}{len(values):>6}" + "".join(f"{value:>9.0f}" for value in figures)


def target(name: str, value: float, most: float, unit: str, *, places: int = 0) -> bool:
    """Print a figure beside the most that it should be. Whether it is met."""
    met = value <= most
    words = "met" if met else "MISSED"
    print(f"{name:<64}{value:>10.{places}f} {unit:<4} target <= {most:g} {unit}: {words}")
    return met


def at_least(name: str, value: float, least: float) -> bool:
    """Print a ratio beside the least that it should be. Whether it is met."""
    met = value >= least
    words = "met" if met else "MISSED"
    print(f"{name:<64}{value:>10.2f} {'':<4} target >= {least:g}: {words}")
    return met
