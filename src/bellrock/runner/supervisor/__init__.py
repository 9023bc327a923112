"""Owns process trees: starts them contained, stops them in bounded time, proves they are gone."""

from bellrock.runner.supervisor.errors import (
    InvalidSpec,
    IsolationUnavailable,
    LaunchFailed,
    SupervisorError,
)
from bellrock.runner.supervisor.isolation import (
    DoctorReport,
    Isolation,
    MeansReport,
    Mechanism,
)
from bellrock.runner.supervisor.orphans import SweepReport, sweep_orphans
from bellrock.runner.supervisor.outcome import CancelTrace, Exit, ExitCause
from bellrock.runner.supervisor.ownership import take_back
from bellrock.runner.supervisor.probe import doctor, probe_isolation
from bellrock.runner.supervisor.process import SuiteProcess, launch
from bellrock.runner.supervisor.spec import (
    LadderTimes,
    Mount,
    OutputLine,
    OutputSink,
    ProcessLimits,
    ProcessSpec,
)

__all__ = [
    "CancelTrace",
    "DoctorReport",
    "Exit",
    "ExitCause",
    "InvalidSpec",
    "Isolation",
    "IsolationUnavailable",
    "LadderTimes",
    "LaunchFailed",
    "MeansReport",
    "Mechanism",
    "Mount",
    "OutputLine",
    "OutputSink",
    "ProcessLimits",
    "ProcessSpec",
    "SuiteProcess",
    "SupervisorError",
    "SweepReport",
    "doctor",
    "launch",
    "probe_isolation",
    "sweep_orphans",
    "take_back",
]
