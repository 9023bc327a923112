"""`bellrock runner doctor`: what this machine gives a runner, in words."""

from bellrock.bootstrap.runner_network import network_kept
from bellrock.runner.supervisor import MeansReport
from bellrock.runner.supervisor import doctor as examine
from bellrock.settings import Settings


def describe(settings: Settings) -> tuple[list[str], bool]:
    """The lines to print, and whether runs can be contained here. Starts short processes."""
    folder = (settings.runner_dir or settings.data_dir / "runner") / "trees"
    report = examine(state_folder=folder)
    lines = ["Isolation, the strongest first:", *map(_line, report.mechanisms)]
    lines += ["Limits:", *map(_line, report.limits), *report.notes]
    with network_kept(settings, folder) as network:
        lines.append(network)
    if report.chosen is None:
        lines.append("Nothing here contains a process tree: this machine cannot run suites.")
    else:
        lines.append(f"In use: {report.chosen.name}. {report.chosen.guarantees}")
    return lines, report.chosen is not None


def _line(means: MeansReport) -> str:
    return f"  {'yes' if means.works else 'no ':<3}  {means.name:<16} {means.detail}"
