"""What can be measured of the results of each type of check, and where in a result it stands.

Failed runs lower availability, degraded ones do not. What the runner or the platform could not find out is
a failure as well, but its times say nothing about the target: they are left out of every other metric.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from bellrock.domain.outcomes import Outcome, Verdict
from bellrock.domain.specs import CheckType
from bellrock.domain.spreads import Aggregation

Unit = Literal["milliseconds", "score", "count", "percentage"]
Place = tuple[str, ...]
"""The way through a result's details."""

AVAILABILITY, RETRIES, RESPONSE_TIME = "availability", "retries", "responseTime"


class Kind(StrEnum):
    """Where a metric comes from."""

    OUTCOME = "outcome"
    RETRIES = "retries"
    RESPONSE_TIME = "response_time"
    DETAIL = "detail"
    PAGE = "page"  # one number per page that a browser check visited
    NOTHING = "nothing"  # asked for by clients, and never measured


@dataclass(frozen=True, slots=True)
class Metric:
    """One thing that is measured. ``place`` in the details, or in those of a page."""

    name: str
    label: str
    unit: Unit
    kind: Kind = Kind.DETAIL
    place: Place = ()
    is_text: bool = False

    @property
    def stands_alone(self) -> bool:
        """Whether it is a figure of many results by itself, without an aggregation in its name."""
        return self.kind in (Kind.OUTCOME, Kind.RETRIES)


@dataclass(frozen=True, slots=True)
class AskedMetric:
    """A metric as somebody asks for it: of each result, or with an aggregation of many."""

    name: str
    metric: Metric
    aggregation: Aggregation | None

    @property
    def is_of_each_result(self) -> bool:
        """Whether it is about single results."""
        return self.aggregation is None and not self.metric.stands_alone


def counts_as_success(verdict: Verdict) -> bool:
    """Whether a result raises availability."""
    return not Outcome(verdict).has_failures


def says_how_long(verdict: Verdict) -> bool:
    """Whether the figures of a result are about its target."""
    return not Outcome(verdict).has_errors


def percent(successes: int, total: int) -> float | None:
    """An availability; None of nothing."""
    return 100 * successes / total if total else None


def metrics_of(check_type: CheckType) -> tuple[Metric, ...]:
    """What is measured of checks of this type."""
    return tuple(each for each in _METRICS[check_type] if each.kind is not Kind.NOTHING)


def asked_metric(check_type: CheckType, name: str) -> AskedMetric | None:
    """What a name such as `responseTime_p95` means for checks of this type, None for no such name."""
    base, _, how = name.partition("_")
    metric = next((each for each in _METRICS[check_type] if each.name == base), None)
    if metric is None or (how and (metric.stands_alone or how not in list(Aggregation))):
        return None
    return None if name.endswith("_") else AskedMetric(name, metric, Aggregation(how) if how else None)


def metric_names(check_type: CheckType) -> tuple[str, ...]:
    """Every name that may be asked for."""
    names = []
    for each in metrics_of(check_type):
        names.append(each.name)
        if not each.stands_alone:
            names += [f"{each.name}_{how}" for how in Aggregation]
    return tuple(names)


def _ms(name: str, label: str, *place: str) -> Metric:
    return Metric(name, label, "milliseconds", place=place)


def _phase(name: str, label: str) -> Metric:
    return _ms(name, label, "response", "timingPhases", name)


def _vital(name: str, label: str, *, unit: Unit = "milliseconds", kind: Kind = Kind.PAGE) -> Metric:
    return Metric(name, label, unit, kind, ("webVitals", name, "value"))


def _vitals(kind: Kind) -> tuple[Metric, ...]:
    return (
        _vital("TTFB", "Time to first byte", kind=kind),
        _vital("FCP", "First contentful paint", kind=kind),
        _vital("LCP", "Largest contentful paint", kind=kind),
        _vital("CLS", "Cumulative layout shift", unit="score", kind=kind),
        _vital("TBT", "Total blocking time", kind=kind),
    )


def _errors(kind: str, label: str) -> Metric:
    name = f"{kind}Errors"
    return Metric(name, label, "count", place=("traceSummary", name))


def _shown(name: str, label: str, *place: str, unit: Unit = "score", is_text: bool = False) -> Metric:
    return Metric(name, label, unit, place=(*place, name), is_text=is_text)


_OF_ALL = (
    Metric(AVAILABILITY, "Availability", "percentage", Kind.OUTCOME),
    Metric(RETRIES, "Retries", "count", Kind.RETRIES),
)
_TIME = Metric(RESPONSE_TIME, "Response time", "milliseconds", Kind.RESPONSE_TIME)
_TOTAL = _phase("total", "Total")
_HTTP = (
    _TIME,
    _phase("wait", "Wait"),
    _phase("dns", "DNS"),
    _phase("tcp", "TCP"),
    _phase("firstByte", "First byte"),
    _phase("download", "Download"),
)
_LATENCY = ("response", "latency")
_HOPS = ("response", "finalHopLatency")
_METRICS: Mapping[CheckType, tuple[Metric, ...]] = {
    kind: (*metrics, *_OF_ALL)
    for kind, metrics in {
        CheckType.API: _HTTP,
        CheckType.URL: _HTTP,
        CheckType.BROWSER: (
            _TIME,
            *_vitals(Kind.PAGE),
            _errors("console", "Console errors"),
            _errors("network", "Network errors"),
            _errors("userScript", "Script errors"),
            _errors("document", "Document errors"),
        ),
        CheckType.PLAYWRIGHT: (_TIME, *_vitals(Kind.NOTHING)),
        CheckType.MULTI_STEP: (_TIME,),
        CheckType.TCP: (
            _TOTAL,
            _phase("dns", "DNS"),
            _phase("connection", "Connection"),
            _phase("data", "Data"),
        ),
        CheckType.DNS: (_TOTAL,),
        CheckType.ICMP: (
            Metric("packetLoss", "Packet loss", "percentage", place=("response", "packetLoss")),
            _ms("latencyMin", "Lowest latency", *_LATENCY, "min"),
            _ms("latencyMax", "Highest latency", *_LATENCY, "max"),
            _ms("latencyAvg", "Average latency", *_LATENCY, "avg"),
            _ms("latencyStdDev", "Deviation of the latency", *_LATENCY, "stdDev"),
        ),
        CheckType.SSL: (
            _ms("handshakeTimeMs", "Handshake", "handshakeTimeMs"),
            _shown("daysUntilExpiry", "Days until the certificate expires", unit="count"),
            _shown("tlsVersion", "TLS version", is_text=True),
            _shown("cipherSuite", "Cipher suite", is_text=True),
            _shown("hostnameVerified", "Certificate is for the host"),
            _shown("chainTrusted", "Chain is trusted"),
            _shown("ocspStapled", "OCSP response is stapled", "response"),
            _shown("keySizeBits", "Size of the key in bits", "response", "certificate", unit="count"),
            _shown("baselineVerdict", "Verdict of the baseline", is_text=True),
            _shown("baselineGrade", "Grade of the baseline", is_text=True),
        ),
        CheckType.GRPC: (_TOTAL,),
        CheckType.TRACEROUTE: (
            _ms("finalHopLatencyAvg", "Average latency of the last hop", *_HOPS, "avg"),
            _shown("totalHops", "Hops", "response", unit="count"),
        ),
        CheckType.HEARTBEAT: (),
        CheckType.AGENTIC: (),
    }.items()
}
