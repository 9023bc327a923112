"""Suites of pytest with Playwright for Python: packages in a virtual environment, run by `pytest`."""

from bellrock.runner.executors.playwright.python_suites.kind import PythonSuite
from bellrock.runner.executors.playwright.python_suites.suite import MANIFESTS

__all__ = ["MANIFESTS", "PythonSuite"]
