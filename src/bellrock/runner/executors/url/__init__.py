"""Runs URL monitors: one GET, timed phase by phase."""

from bellrock.runner.executors.url.executor import UrlExecutor

__all__ = ["UrlExecutor"]
