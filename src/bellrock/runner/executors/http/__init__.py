"""Runs URL monitors and API checks: HTTP requests that are timed phase by phase."""

from bellrock.runner.executors.http.probes import HttpProbes
from bellrock.runner.executors.http.scripts import ScriptRunner

__all__ = ["HttpProbes", "ScriptRunner"]
