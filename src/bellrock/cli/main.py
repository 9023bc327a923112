"""The command tree, and the one place where an error becomes a line and an exit code.

Commands are named by import path and loaded when they are typed: `bellrock --help` must not wait
for the HTTP client, the project models or the server.
"""

import sys

from cyclopts import App, CycloptsError, UnknownCommandError

from bellrock import __version__
from bellrock.cli.exits import FAILURE, Exit
from bellrock.domain.errors import BellrockError

SERVE = "Serve"
PROJECT = "Project"
RUN = "Run"
LOOK = "Look and manage"

app = App(
    name="bellrock",
    help="Self-hosted synthetic monitoring: run Playwright suites as sessions, watch them, stop them.",
    version=__version__,
    help_format="plaintext",
    result_action="return_int_as_exit_code_else_zero",
    print_error=False,
    exit_on_error=False,
)

_COMMANDS = (
    ("dev", "serve:dev", SERVE, "All in one process tree: bus, database, API, pages and a runner."),
    ("server", "serve:server", SERVE, "The control plane."),
    ("runner", "serve:runner", SERVE, "A runner: executes the checks of its locations."),
    ("validate", "project_commands:validate", PROJECT, "Check the project file and what it names."),
    ("schema", "project_commands:schema", PROJECT, "Print the JSON schema of bellrock.yaml."),
    ("deploy", "deploy:deploy", PROJECT, "Make the server hold exactly what the project says."),
    ("destroy", "destroy:destroy", PROJECT, "Delete what the project deployed."),
    ("import-checks", "import_checks:import_deployed", PROJECT, "Write deployed checks into a project file."),
    ("test", "test_command:run_tests", RUN, "Run the project's checks without deploying them."),
    ("trigger", "trigger:trigger", RUN, "Run deployed checks as one test session."),
    ("pw-test", "pw_test:pw_test", RUN, "Run a Playwright suite with Playwright's own arguments."),
    ("checkly", "checkly:checkly", RUN, "Run a project's own checkly command against this server."),
    ("checks", "checks:app", LOOK, "List, show and run deployed checks."),
    ("sessions", "sessions:app", LOOK, "List, show, watch and cancel sessions."),
    ("keys", "keys:app", LOOK, "List, create and revoke API keys."),
    ("login", "account:login", LOOK, "Store a server's address and an API key on this machine."),
    ("whoami", "account:whoami", LOOK, "Say who the key is, and where."),
)

for _name, _path, _group, _help in _COMMANDS:
    app.command(f"bellrock.cli.{_path}", name=_name, group=_group, help=_help)


def main() -> None:
    """Run the command line of this process and exit."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line; the exit code. Errors meant for the person become one line."""
    try:
        result = app(arguments)
    except Exit as ended:
        return ended.code
    except CycloptsError as error:
        print(f"bellrock: {_usage_message(error)}", file=sys.stderr)
        return FAILURE
    except BellrockError as error:
        print(f"bellrock: {error.message}", file=sys.stderr)
        return FAILURE
    except BrokenPipeError:
        # the reader of our output (`bellrock … | head`) has gone
        sys.stderr.close()
        return FAILURE
    return result if isinstance(result, int) else 0


def _usage_message(error: CycloptsError) -> str:
    if isinstance(error, UnknownCommandError):
        # Cyclopts' own text would import every command to find similar names.
        words = " ".join(error.unused_tokens or ())
        return f"there is no command {words!r}: `bellrock --help` lists the commands."
    return " ".join(str(error).split())
