"""Runs ICMP monitors: pings, their losses and latencies."""

from bellrock.runner.executors.icmp.executor import probe_icmp
from bellrock.runner.executors.icmp.sockets import why_no_pings

__all__ = ["probe_icmp", "why_no_pings"]
