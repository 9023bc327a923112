"""Runs TCP monitors: a connection, and what comes through it."""

from bellrock.runner.executors.tcp.executor import probe_tcp

__all__ = ["probe_tcp"]
