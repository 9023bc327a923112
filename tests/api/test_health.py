"""`/healthz`: what works, and how connected runners contain what they run, without a key."""

from tests.support.api_client import Api
from tests.support.scripted_runner import ScriptedRunner

PLACE = "health-1"


async def test_health_says_how_runs_are_contained_and_names_no_machine(
    nobody: Api, runner: ScriptedRunner
) -> None:
    await runner.hello(PLACE, orphans_swept=3)
    await runner.beat(PLACE, leftover_processes=2)
    answer = await nobody.request("GET", "/healthz")
    assert answer.status_code == 200
    (here,) = (each for each in answer.json()["containment"] if each["location"] == PLACE)
    assert here == {
        "location": PLACE,
        "isolation": "scripted",
        "guarantees": "nothing is started",
        "leftoverProcesses": 2,
        "orphansSwept": 3,
    }
    assert runner.runner_id not in answer.text
