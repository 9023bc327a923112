"""Runs a Playwright Check Suite: from a bundle to a verdict, watched live, with evidence whatever happens."""

from bellrock.runner.executors.playwright.executor import PlaywrightExecutor, leftovers
from bellrock.runner.playwright.options import PlaywrightOptions

__all__ = ["PlaywrightExecutor", "PlaywrightOptions", "leftovers"]
