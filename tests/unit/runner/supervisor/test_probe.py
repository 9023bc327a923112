"""Why a mechanism does not work here is said with what it means, not only in the words of a tool."""

import pytest

from bellrock.runner.supervisor.probe import explained


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("bwrap: Creating new namespace failed: Operation not permitted", "user.max_user_namespaces"),
        ("bwrap: setting up uid map: Permission denied", "apparmor_restrict_unprivileged_userns"),
        ("unshare: unshare failed: No space left on device", "CAP_SYS_ADMIN"),
        ("setpriv: setresuid failed: Operation not permitted", "CAP_SETUID"),
    ],
)
def test_a_refusal_of_the_kernel_names_what_would_allow_it(said: str, meaning: str) -> None:
    reason = explained(said, as_root=False)
    assert reason.startswith(f"{said}. ")
    assert meaning in reason


def test_what_nobody_foresaw_is_said_as_it_is() -> None:
    assert explained("bwrap: Unknown option --disable-userns", as_root=False) == (
        "bwrap: Unknown option --disable-userns."
    )
