"""What is counted, for `/metrics`: one registry per application, since tests run several in a process.

The only module that knows Prometheus. Services count what they did; what is asked of the database is
set anew for every reading (`services/stock.py`). `docs/metrics.md` lists all of it.
"""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE

__all__ = ["CONTENT_TYPE", "Measures"]

# Around what a cancel takes (milliseconds to seconds), then its deadline, then what must never happen.
_CANCEL_BUCKETS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 7.5, 10, 15, 30, 60)
_LATENESS_BUCKETS_S = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15)


class RunMeasures:
    """What people started and stopped, and how it ended."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sessions_started = Counter(
            "bellrock_sessions_started", "Sessions started, by kind.", ["kind"], registry=registry
        )
        self.finished = Counter(
            "bellrock_runs_finished", "Runs that became final, by verdict.", ["verdict"], registry=registry
        )
        self.cancels_asked = Counter(
            "bellrock_cancels_asked",
            "Runs that somebody asked to stop, by the way they asked.",
            ["via"],
            registry=registry,
        )
        self.cancels_final = Counter(
            "bellrock_cancels_final",
            "Runs asked to stop that became final, by who ended them: queued (nobody had it), runner,"
            " forced_by_server (its runner was gone) or suite (it ended by itself before).",
            ["how"],
            registry=registry,
        )
        self.cancel_to_final_s = Histogram(
            "bellrock_cancel_request_to_final_seconds",
            "From the request of a cancel to the run's final state.",
            buckets=_CANCEL_BUCKETS_S,
            registry=registry,
        )
        self.cancel_to_last_process_s = Histogram(
            "bellrock_cancel_request_to_last_process_gone_seconds",
            "From the request of a cancel to the end of the run's last process, as its receipt has it:"
            " the first by the server's clock, the second by the runner's.",
            buckets=_CANCEL_BUCKETS_S,
            registry=registry,
        )


class RecoveryMeasures:
    """What went wrong and was mended. On a quiet day none of these move."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.leases_expired = Counter(
            "bellrock_leases_expired",
            "Runs whose runner said nothing until its lease was over.",
            registry=registry,
        )
        self.runs_requeued = Counter(
            "bellrock_runs_requeued",
            "Runs put into the queue again, because their runner was lost or for a retry.",
            ["reason"],
            registry=registry,
        )
        self.runs_offered_again = Counter(
            "bellrock_runs_offered_again",
            "Queued runs offered once more, because nobody claimed them for a while.",
            registry=registry,
        )
        self.runs_given_up = Counter(
            "bellrock_runs_given_up",
            "Runs that ended LOST: no runner took them, or runner after runner vanished.",
            ["code"],
            registry=registry,
        )
        self.signals_unheard = Counter(
            "bellrock_cancel_signals_unheard",
            "Cancel signals that no runner answered: the next heartbeat carries the cancel instead.",
            registry=registry,
        )
        self.artifacts_refused = Counter(
            "bellrock_artifacts_refused",
            "Files of runs that were not accepted, by reason.",
            ["reason"],
            registry=registry,
        )
        self.artifacts_missing = Counter(
            "bellrock_artifacts_missing",
            "Files that a report listed and that never arrived.",
            registry=registry,
        )


class HeartbeatMeasures:
    """What came of heartbeat monitors."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter(
            "bellrock_heartbeat_events",
            "Pings of heartbeat monitors by when they came; FAILING counts those that did not come.",
            ["state"],
            registry=registry,
        )


class ScheduleMeasures:
    """What the scheduler did: the one of all servers that leads, and each since its own start."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.is_leader = Gauge(
            "bellrock_scheduler_is_leader",
            "1 where this server is the one that schedules, else 0.",
            ["lane"],
            registry=registry,
        )
        self.checks = Gauge(
            "bellrock_scheduled_checks",
            "Activated checks that this server schedules, 0 where another does.",
            ["lane"],
            registry=registry,
        )
        self.ticks_run = Counter(
            "bellrock_ticks_run", "Ticks of checks that were handed out to be run.", registry=registry
        )
        self.ticks_missed = Counter(
            "bellrock_ticks_missed",
            "Ticks of checks that were not run: not_scheduled (no server was there in time), overlap (an"
            " earlier run was still open), no_runner (nobody took it) or runner_lost (who took it vanished).",
            ["reason"],
            registry=registry,
        )
        self.lateness_s = Histogram(
            "bellrock_tick_lateness_seconds",
            "From the moment a tick is due until a monitor began, by its runner's clock, or a suite is in the"
            " queue.",
            buckets=_LATENESS_BUCKETS_S,
            registry=registry,
        )


class LoopMeasures:
    """The control plane's own loops, and what its janitor removed."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.step_failures = Counter(
            "bellrock_loop_step_failures",
            "Steps of a control loop that failed and were tried again.",
            ["loop"],
            registry=registry,
        )
        self.last_step_at_s = Gauge(
            "bellrock_loop_last_step_timestamp_seconds",
            "When a control loop last did its step without a fault, as Unix time.",
            ["loop"],
            registry=registry,
        )
        self.removed_files = Counter(
            "bellrock_janitor_removed_files",
            "Files the janitor removed, by what they were.",
            ["what"],
            registry=registry,
        )
        self.removed_bytes = Counter(
            "bellrock_janitor_removed_bytes",
            "Bytes the janitor removed, by what they were.",
            ["what"],
            registry=registry,
        )
        self.removed_sessions = Counter(
            "bellrock_janitor_removed_sessions",
            "Old sessions the janitor removed, with their runs and results.",
            registry=registry,
        )


class Stock:
    """What there is at the moment of reading."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, documentation: str, *labels: str) -> Gauge:
            return Gauge(f"bellrock_{name}", documentation, labels, registry=registry)

        self.runs = gauge("runs", "Runs that are not final, by state and location.", "state", "location")
        self.oldest_queued_s = gauge(
            "oldest_queued_run_age_seconds", "How long the longest waiting run waits, 0 for none.", "location"
        )
        self.outbox_orders = gauge("outbox_orders", "Orders that are decided and not yet carried out.")
        self.outbox_oldest_s = gauge(
            "outbox_oldest_order_age_seconds", "Age of the oldest of those orders, 0 for none."
        )
        self.runners_connected = gauge("runners_connected", "Runners that were heard of lately.", "location")
        self.leftover_processes = gauge(
            "runner_leftover_processes",
            "Processes of runs that a connected runner could not end. Anything but 0 needs a person.",
            "runner",
            "location",
        )
        self.orphans_swept = gauge(
            "runner_orphans_swept",
            "Processes of a former life that a connected runner ended at its start.",
            "runner",
        )
        self.artifact_bytes = gauge("artifact_bytes", "Bytes of the files of runs that are kept.")
        self.database_up = gauge("database_up", "1 where the database answered this reading, else 0.")


class Measures:
    """Everything counted of one application."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.runs = RunMeasures(self.registry)
        self.recovery = RecoveryMeasures(self.registry)
        self.heartbeats = HeartbeatMeasures(self.registry)
        self.schedule = ScheduleMeasures(self.registry)
        self.loops = LoopMeasures(self.registry)
        self.stock = Stock(self.registry)

    def as_text(self) -> bytes:
        """The Prometheus text format, version 0.0.4."""
        return generate_latest(self.registry)
