"""The gate between a contained process and the suite: what it passes on, and when it stays shut."""

import subprocess

import pytest

from bellrock.runner.supervisor.gate import gate_command, gate_input, new_token


def pass_gate(environment: dict[str, str], *, cut: int = 0) -> subprocess.CompletedProcess[bytes]:
    token = new_token()
    sent = gate_input(token, environment)
    return subprocess.run(
        gate_command(token, ["/usr/bin/env", "-0"]),
        input=sent[: len(sent) - cut],
        env={"PATH": "/usr/bin:/bin", "LEAK": "of the helper"},
        capture_output=True,
        check=False,
        timeout=10,
    )


@pytest.mark.parametrize(
    "value",
    [
        "",
        "plain",
        "two\nlines\n",
        "it's",
        '"$HOME" `id` $(id) \\',
        "\\n",
        "ünïcode",
        " spaces  ",
        "-n",
        "=a=b",
    ],
)
def test_a_value_arrives_as_it_was_given(value: str) -> None:
    _, _, printed = pass_gate({"KEY": value}).stdout.partition(b"\n")
    assert f"KEY={value}".encode() in printed.split(b"\0")


def test_the_gate_says_that_it_stands_ready_before_anything_else() -> None:
    first, _, _ = pass_gate({}).stdout.partition(b"\n")
    assert len(first) == 32


def test_nothing_starts_where_the_pipe_ends_early() -> None:
    done = pass_gate({"KEY": "value"}, cut=5)
    assert done.returncode == 125
    assert b"KEY" not in done.stdout


def test_the_environment_is_in_no_argument() -> None:
    token = new_token()
    assert gate_input(token, {"PASSWORD": "s3cret"}).count(b"s3cret") == 1
    assert not any("s3cret" in word for word in gate_command(token, ["node", "cli.js"]))
