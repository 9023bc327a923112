"""Suites of Playwright Test: packages from a Node package manager, run by `playwright test`."""

from bellrock.runner.executors.playwright.node_suites.kind import NodeSuite
from bellrock.runner.executors.playwright.node_suites.suite import LOCK_FILES

__all__ = ["LOCK_FILES", "NodeSuite"]
