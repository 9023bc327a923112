"""`bellrock runner doctor`: what this machine gives a runner, in words."""

from bellrock.bootstrap.runner_network import network_kept
from bellrock.runner.supervisor import DoctorReport, MeansReport, Mechanism
from bellrock.runner.supervisor import doctor as examine
from bellrock.settings import Settings

_AUTO = "auto"


def describe(settings: Settings) -> tuple[list[str], bool]:
    """The lines to print, and whether runs can be contained here. Starts short processes."""
    folder = (settings.runner_dir or settings.data_dir / "runner") / "trees"
    report = examine(state_folder=folder)
    used = _used(report, settings.isolation)
    lines = ["Isolation, the strongest first; the first that works is used:"]
    lines += [_line(_word(means, used), means) for means in report.mechanisms]
    lines.append("Limits:")
    lines += [_line("yes" if means.works else "partly", means) for means in report.limits]
    lines.append("Beside these:")
    with network_kept(settings) as network:
        lines += [f"  {note}" for note in (*report.notes, network)]
    if settings.isolation != _AUTO:
        lines.append(f"  BELLROCK_ISOLATION allows {settings.isolation} and nothing else.")
    if used is None:
        lines.append("Nothing that is allowed here contains a process tree: this machine cannot run suites.")
    else:
        lines.append(f"Suites run by {used.name}. {used.detail}")
    return lines, used is not None


def _used(report: DoctorReport, allowed: str) -> MeansReport | None:
    by_itself = (means for means in report.mechanisms if means.name != Mechanism.PROCESS_GROUP)
    meant = by_itself if allowed == _AUTO else (each for each in report.mechanisms if each.name == allowed)
    return next((means for means in meant if means.works), None)


def _word(means: MeansReport, used: MeansReport | None) -> str:
    if means is used:
        return "used"
    if means.name == Mechanism.PROCESS_GROUP:
        return "by force"
    return "works" if means.works else "no"


def _line(word: str, means: MeansReport) -> str:
    return f"  {word:<8}  {means.name:<25}  {means.detail}"
