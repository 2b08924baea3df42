"""The first process of a box: it gives the box mounts and a network of its own, then only reaps.

`python -m tests.cluster.node.init DIRECTORY DEBIAN-ROOT`, already inside new net, mount and pid namespaces. Its
child is the supervisor of the components; with the supervisor it ends itself, and the kernel with it the box.
"""

import os
import subprocess
import sys
from pathlib import Path

from ..supervisor import serve
from .addresses import NODE_ADDRESS, SERVICE_NETWORK

# The kubelet and kube-proxy insist on writing these, which are the whole machine's; those of net/ are the box's.
SYSCTLS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
RESOLV_CONF = Path("/etc/resolv.conf")


def main(directory: Path, debian: Path) -> None:
    """Set the box up and reap until the supervisor ends."""
    _cover_fixed_paths()
    _cover_sysctls(directory / "sysctl")
    _cover_resolv_conf(directory)
    _make_network(debian / "bin" / "busybox")
    os.environ["PATH"] = os.pathsep.join([str(directory / "bin"), os.environ.get("PATH", os.defpath)])
    supervisor = os.fork()
    if supervisor == 0:
        serve(directory)
        os._exit(0)
    # Containers' shims come here when those who started them end.
    while os.wait()[0] != supervisor:
        pass
    os._exit(0)


def _cover_fixed_paths() -> None:
    """Hide the folders that containerd, CNI plugins and kubelet write to whatever their configuration says."""
    for path in ("/run", "/var/log"):
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "node", path)
    # Of /var/lib other parts may be needed (a home, the cache), so what is there stays to be read.
    upper, work = Path("/run/var-lib/upper"), Path("/run/var-lib/work")
    for folder in (upper, work):
        folder.mkdir(parents=True)
    _run("mount", "-t", "overlay", "-o", f"lowerdir=/var/lib,upperdir={upper},workdir={work}", "node", "/var/lib")
    for path in ("/var/lib/kubelet", "/var/lib/cni"):
        Path(path).mkdir(exist_ok=True)
        _run("mount", "-t", "tmpfs", "-o", "mode=755", "node", path)


def _cover_sysctls(folder: Path) -> None:
    for name in SYSCTLS:
        setting, own = Path("/proc/sys") / name, folder / name
        if setting.exists():
            own.parent.mkdir(parents=True, exist_ok=True)
            own.write_text(setting.read_text())
            _run("mount", "--bind", str(own), str(setting))


def _cover_resolv_conf(directory: Path) -> None:
    """Let the node's own processes, too, ask only the box's DNS."""
    own = directory / "resolv.conf"
    own.write_text(f"nameserver {NODE_ADDRESS}\n")
    target = RESOLV_CONF.resolve()
    if target.is_relative_to("/run"):  # where it was is now empty, and private
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    if target.exists():
        _run("mount", "--bind", str(own), str(target))


def _make_network(busybox: Path) -> None:
    """Give the node its address. There is no route out: whatever has no place in the box is unreachable."""
    changes = (
        ("link", "set", "lo", "up"),
        ("addr", "add", f"{NODE_ADDRESS}/32", "dev", "lo"),
        # Packets of the node's own processes to a Service need a route before kube-proxy's rules see them.
        ("route", "add", SERVICE_NETWORK, "dev", "lo", "src", NODE_ADDRESS),
    )
    for arguments in changes:
        _run(str(busybox), "ip", *arguments)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
