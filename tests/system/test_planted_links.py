"""Links that a suite plants where the runner will look: it neither reads nor writes what they lead to."""

import json
from pathlib import Path

import pytest

from bellrock.domain.checks import EnvironmentVariable
from tests.system.playwright_rig import CONFIG, Rig

pytestmark = [pytest.mark.system, pytest.mark.slow, pytest.mark.timeout(180)]

OF_THE_HOST = "of the host"
BEGIN = json.dumps({"type": "begin", "at": 0, "version": "1", "workers": 1, "outputDirs": [], "tests": []})
REPORTS = json.dumps({"type": "reports", "at": 0, "written": ["json", "html"]})
BLOB = json.dumps({"method": "onConfigure", "params": {"config": {}}})
IN_WORK = 'cd "$(dirname "$BELLROCK_EVENTS")/.."'
TELL = f"echo '{BEGIN}' >> reporter/events.jsonl; echo '{BLOB}' >> reporter/blob.jsonl"
PLANTED = {
    "the reports": f"{TELL}; echo '{REPORTS}' >> reporter/events.jsonl; rm -rf reporter/reports; "
    'ln -s "$HOST" reporter/reports',
    "the HTML report": f"{TELL}; echo '{REPORTS}' >> reporter/events.jsonl; rm -rf reporter/reports/html; "
    'ln -s "$HOST/html" reporter/reports/html',
    "a report": f"{TELL}; echo '{REPORTS}' >> reporter/events.jsonl; "
    'ln -sf "$HOST/report.json" reporter/reports/report.json',
    "what is rebuilt": f'{TELL}; ln -s "$HOST" rebuilt',
    "what it is rebuilt from": f'{TELL}; mkdir rebuilt; ln -s "$HOST" rebuilt/blob',
    "the output": f'{TELL}; rm -rf test-results; ln -s "$HOST" test-results',
    "the events": f'{TELL}; mv reporter gone; ln -s "$HOST" reporter',
    "the stream of reports": f'{TELL}; ln -sf "$HOST/blob.jsonl" reporter/blob.jsonl',
}


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Rig:
    folder = tmp_path_factory.mktemp("links")
    return Rig(folder / "runs", folder / "cache")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    """A folder with everything that a link might be followed to."""
    folder = tmp_path / "host"
    names = (
        "report.json",
        "junit.xml",
        "html/index.html",
        "html/data/secret.txt",
        "trace.zip",
        "events.jsonl",
        "blob.jsonl",
        ".playwright-artifacts-0/traces/1.trace",
        "node_modules/secret/index.js",
    )
    line = json.dumps({"type": "error", "at": 0, "message": OF_THE_HOST, "method": "onError"})
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(line + "\n")
    return folder


def content_of(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


@pytest.mark.parametrize("place", PLANTED)
async def test_a_link_in_the_place_of_something_of_the_runs_is_not_followed(
    rig: Rig, host: Path, place: str
) -> None:
    before = content_of(host)
    run = rig.start(
        {"plant.sh": f"{IN_WORK}; {PLANTED[place]}", "playwright.config.js": CONFIG},
        environment=(EnvironmentVariable("HOST", str(host)),),
        test_command="sh plant.sh;",
    )
    report = await run.report()
    await run.evidence()
    assert content_of(host) == before
    assert OF_THE_HOST.encode() not in report.encode()
    assert OF_THE_HOST not in run.printed
    for name, content in content_of(run.uploads).items():
        assert OF_THE_HOST.encode() not in content, name


async def test_an_install_cannot_have_another_folder_taken_for_its_packages(rig: Rig, host: Path) -> None:
    before = content_of(host)
    run = rig.start(
        {"playwright.config.js": CONFIG},
        environment=(EnvironmentVariable("HOST", str(host)),),
        install_command='cd .. && mv suite gone && ln -s "$HOST" suite',
    )
    report = await run.report()
    assert (report.outcome.code, content_of(host)) == ("INSTALL_FAILED", before)
