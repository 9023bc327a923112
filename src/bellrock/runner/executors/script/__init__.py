"""Runs the script of a browser or multistep check: Playwright, without a suite's own packages and config."""

from bellrock.runner.executors.script.executor import ScriptExecutor

__all__ = ["ScriptExecutor"]
