"""The last step before a suite starts: a shell that waits, takes the environment and is replaced.

It closes three holes. The supervisor sets limits, cgroups and its record while the future main
process stands still. The environment comes through a pipe: no argument list shows it, and no
helper that still has rights runs with the suite's variables (``LD_PRELOAD``). And where the runner
dies before the container is tied to its life, the pipe ends and nothing starts.
"""

import secrets
import shlex
from collections.abc import Mapping, Sequence

_SCRIPT = """\
token=$1
shift
printf '%s\\n' "$token"
lines=
while IFS= read -r line && [ "$line" != "$token" ]; do
lines="$lines$line
"
done
[ "$line" = "$token" ] || exit 125
unset PATH LC_ALL PWD OLDPWD SHLVL _
eval "$lines"
exec "$@" </dev/null
"""


def new_token() -> str:
    """What the gate says when it stands ready, and what ends the environment. Not guessable."""
    return secrets.token_hex(16)


def gate_command(token: str, argv: Sequence[str]) -> list[str]:
    """The command that waits, and then becomes ``argv``. The program is looked up in its PATH."""
    return ["/bin/sh", "-c", _SCRIPT, "bellrock", token, *argv]


def gate_input(token: str, environment: Mapping[str, str]) -> bytes:
    """What is written to the gate's standard input to let it go on."""
    # `command` keeps a shell alive that has a variable of this name write-protected.
    lines = [f"command export {shlex.quote(f'{key}={value}')}" for key, value in environment.items()]
    return "\n".join([*lines, token, ""]).encode(errors="surrogateescape")
