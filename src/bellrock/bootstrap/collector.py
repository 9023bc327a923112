"""Python's garbage collector in a process that serves: not while it imports, and seldom afterwards.

By default it looks through the new objects after every 700, and ever again through what was imported: some
30 % of the processor time that importing the control plane takes.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# The second and third: how many collections of a generation make one of the next.
_SELDOM = (50_000, 20, 20)


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Import within the block what the process needs for as long as it lives."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*_SELDOM)
        gc.enable()


def pass_over_what_stays() -> None:
    """Have the collector pass over what has come up since.

    Else every full collection walks through all modules and models: a tenth of a second in which nobody is
    answered.
    """
    gc.collect()
    gc.freeze()
