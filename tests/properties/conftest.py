"""How long the machines are let run: `HYPOTHESIS_PROFILE=nightly` for 10,000 examples of each."""

import faulthandler
import os

import pytest
from hypothesis import HealthCheck, settings

_SLOW_MACHINES = [HealthCheck.too_slow, HealthCheck.data_too_large]
_DEADLINE_S = 600
_NIGHTLY_DEADLINE_S = 6 * 3_600

settings.register_profile(
    "default",
    max_examples=250,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=_SLOW_MACHINES,
)
settings.register_profile(
    "nightly",
    max_examples=10_000,
    stateful_step_count=60,
    deadline=None,
    suppress_health_check=_SLOW_MACHINES,
)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")
settings.load_profile(PROFILE)


@pytest.fixture(autouse=True)
def undisturbed() -> None:
    """A dump of the stacks of a long test can end a process that switches between greenlets."""
    faulthandler.cancel_dump_traceback_later()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """An example that runs into the deadline of its test would be taken for one that fails by chance."""
    deadline_s = _NIGHTLY_DEADLINE_S if PROFILE == "nightly" else _DEADLINE_S
    for item in items:
        if "properties" in item.path.parts:
            item.add_marker(pytest.mark.timeout(deadline_s))
