"""A runner reports how an attempt ended; exactly one report makes the run final."""

from bellrock.domain.errors import NotBuilt
from bellrock.services.platform import Platform
from bellrock.wire.messages import Evidence, Report, ReportReply


async def record_report(platform: Platform, report: Report) -> ReportReply:
    """Store the attempt's result. The same report twice is accepted twice; any other is refused."""
    raise NotBuilt("report")


async def record_evidence(platform: Platform, evidence: Evidence) -> ReportReply:
    """Add artifacts that were ready only after the report of the same token."""
    raise NotBuilt("report")
