"""What a service's process takes, as its kernel sees it (Linux; see proc(5))."""

from pathlib import Path

from yarl import URL

from tests.processes import Service

_LISTENING = "0A"


def resident_bytes(service: Service) -> int:
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) * 1024


def open_callers(service: Service, url: str) -> int:
    """Return how many callers' connections the service holds: its sockets on the port that it serves."""
    held = set()
    for descriptor in Path(f"/proc/{service.process.pid}/fd").iterdir():
        try:
            held.add(descriptor.readlink().name)
        except OSError:
            continue  # closed between the two looks
    # https://docs.kernel.org/networking/proc_net_tcp.html
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    port = f":{URL(url).port:04X}"
    return sum(row[1].endswith(port) and row[3] != _LISTENING and f"socket:[{row[9]}]" in held for row in rows)
