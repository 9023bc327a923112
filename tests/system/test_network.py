"""What runs reach on the network, by the kernel's filter, and what is said where it cannot be kept."""

import asyncio
import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from bellrock.bootstrap.errors import CannotStart
from bellrock.bootstrap.runner_network import network_kept, policy_of
from bellrock.runner.network import Destination, NetworkPolicy, PacketFilter, find_packet_filter
from bellrock.settings import Settings, load_settings
from tests.system.dev_server import BELLROCK
from tests.system.supervisor_kit import DEADLINE_S

only_as_root = pytest.mark.skipif(os.geteuid() != 0, reason="the packet filter needs a runner that is root")
pytestmark = [pytest.mark.system, pytest.mark.xdist_group("network")]

RUN_USER = 20_500
LOCAL = ip_network("127.0.0.1/32")
_NEW_NETWORK = 0x40000000  # CLONE_NEWNET
_SET_INTERFACE_FLAGS, _IS_UP = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP
_ASK = (
    "import socket, sys\n"
    "for address in sys.argv[1:]:\n"
    "    host, _, port = address.rpartition(':')\n"
    "    try:\n        socket.create_connection((host, int(port)), 2).close(); print('reached')\n"
    "    except ConnectionRefusedError:\n        print('refused')\n"
    "    except OSError as error:\n        print(type(error).__name__)\n"
)


def settings(**chosen: object) -> Settings:
    return load_settings(nats_url="nats://127.0.0.1:4999", **chosen)


@pytest.fixture
def own_network() -> Iterator[None]:
    """Loopback alone, without the rules of other runners: each that starts takes those of the dead away.

    It holds for this thread and for what this thread starts.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    shared = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.unshare(_NEW_NETWORK) != 0:
            raise OSError(ctypes.get_errno(), "no network namespace for this test")
        try:
            _bring_up("lo")
            yield
        finally:
            assert libc.setns(shared, _NEW_NETWORK) == 0
    finally:
        os.close(shared)


def _bring_up(interface: str) -> None:
    request = struct.pack("16sh14x", interface.encode(), _IS_UP)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        fcntl.ioctl(asking, _SET_INTERFACE_FLAGS, request)


@pytest.fixture
def listener() -> Iterator[int]:
    """The port of somebody who listens on every address of this machine."""
    with socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=50) as server:
        yield server.getsockname()[1]


@pytest.fixture
def packet_filter() -> Iterator[PacketFilter]:
    found = find_packet_filter()
    yield found
    found.remove()


def ask_as(user: int, *addresses: str) -> list[str]:
    """Whether a process of this user can connect."""
    python = str(shutil.which("python3", path="/usr/bin:/usr/local/bin"))  # ours may be closed to others
    done = subprocess.run(
        [
            "setpriv",
            f"--reuid={user}",
            f"--regid={user}",
            "--clear-groups",
            python,
            "-c",
            _ASK,
            *addresses,
        ],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    return done.stdout.split()


@only_as_root
def test_what_is_denied_is_refused_to_runs_and_to_nobody_else(
    packet_filter: PacketFilter, listener: int
) -> None:
    packet_filter.keep(NetworkPolicy(deny=(Destination(LOCAL, listener),)))
    assert ask_as(RUN_USER, f"127.0.0.1:{listener}", f"127.0.0.2:{listener}") == ["refused", "reached"]
    assert ask_as(65_534, f"127.0.0.1:{listener}") == ["reached"]


@only_as_root
def test_a_port_denied_on_this_machine_is_refused_by_each_of_its_addresses(
    packet_filter: PacketFilter, listener: int
) -> None:
    packet_filter.keep(NetworkPolicy(deny_here=(listener,)))
    addresses = (f"127.0.0.1:{listener}", f"127.0.0.2:{listener}", f"::1:{listener}")
    assert ask_as(RUN_USER, *addresses) == ["refused"] * 3


@only_as_root
def test_what_is_allowed_is_reached_though_it_is_denied_as_well(
    packet_filter: PacketFilter, listener: int
) -> None:
    denied = Destination(ip_network("127.0.0.0/8"))
    packet_filter.keep(NetworkPolicy(allow=(Destination(LOCAL, listener),), deny=(denied,)))
    assert ask_as(RUN_USER, f"127.0.0.1:{listener}", f"127.0.0.2:{listener}") == ["reached", "refused"]


@only_as_root
def test_a_closed_network_leaves_loopback_to_suites_that_serve_themselves(
    packet_filter: PacketFilter, listener: int
) -> None:
    packet_filter.keep(NetworkPolicy(is_open=False))
    assert ask_as(RUN_USER, f"127.0.0.1:{listener}", "192.0.2.1:80") == ["reached", "refused"]


@only_as_root
def test_a_runner_replaces_its_rules_and_takes_them_away(listener: int) -> None:
    packet_filter = find_packet_filter()
    packet_filter.keep(NetworkPolicy(deny_here=(listener,)))
    packet_filter.keep(NetworkPolicy(deny_here=(listener,)))
    assert ask_as(RUN_USER, f"127.0.0.1:{listener}") == ["refused"]
    packet_filter.remove()
    packet_filter.remove()
    assert ask_as(RUN_USER, f"127.0.0.1:{listener}") == ["reached"]


@only_as_root
@pytest.mark.usefixtures("own_network")
def test_rules_of_a_runner_that_was_killed_are_taken_away_by_the_next(listener: int) -> None:
    code = (
        "import os, signal\nfrom bellrock.runner.network import NetworkPolicy, find_packet_filter\n"
        f"find_packet_filter().keep(NetworkPolicy(deny_here=({listener},)))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    killed = subprocess.run([BELLROCK.with_name("python"), "-c", code], timeout=DEADLINE_S, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert ask_as(RUN_USER, f"127.0.0.1:{listener}") == ["refused"]
    find_packet_filter()
    assert ask_as(RUN_USER, f"127.0.0.1:{listener}") == ["reached"]


@only_as_root
def test_nats_and_what_the_settings_name_are_denied() -> None:
    chosen = settings(network_deny=("10.0.0.0/8",), platform_addresses=("127.0.0.1:5999",))
    policy = policy_of(chosen)
    assert policy.deny_here == (4999, 5999)
    with network_kept(chosen) as said:
        assert "ports 4999, 5999 of this machine" in said
        assert "10.0.0.0/8" in said


def test_a_list_that_is_wrong_is_named() -> None:
    with pytest.raises(CannotStart, match=r"BELLROCK_NETWORK_DENY: 'shop\.test' is no destination"):
        policy_of(settings(network_deny=("shop.test",)))


@only_as_root
async def test_a_runner_that_is_not_root_refuses_to_pretend() -> None:
    """Asked for nothing it says that the network is open; asked for a policy it does not start."""
    lines = await asyncio.to_thread(_doctor_as_nobody)
    assert any("The network is open to a suite" in line and "root" in line for line in lines)
    lines = await asyncio.to_thread(_doctor_as_nobody, BELLROCK_NETWORK_DENY="10.0.0.0/8")
    assert any("cannot be kept here" in line for line in lines)


def _doctor_as_nobody(**variables: str) -> list[str]:
    code = (
        "import sys\nfrom bellrock.bootstrap.errors import CannotStart\n"
        "from bellrock.bootstrap.runner_network import network_kept\n"
        "from bellrock.settings import load_settings\n"
        "try:\n    with network_kept(load_settings()) as said: print(said)\n"
        "except CannotStart as error: print(error)\n"
    )
    python = BELLROCK.with_name("python")
    uid = "import os; os.setgid(65534); os.setuid(65534)\n"
    done = subprocess.run(
        [python, "-c", f"import bellrock.bootstrap.runner_network\n{uid}{code}"],
        env={"PATH": "/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
