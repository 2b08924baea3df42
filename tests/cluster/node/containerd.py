"""containerd's configuration: runc under it, the pods' network, and the box's registry as the only one."""

import json
from pathlib import Path
from typing import Any

from .addresses import POD_NETWORK, REGISTRY
from .images import PAUSE

BOOTED = "containerd successfully booted"

# netns_mounts_under_state_dir: so that all that containerd makes, pods' networks too, lies in its own folder.
# restrict_oom_score_adj: a pod's would be lower than containerd's own, which the machine may not allow.
# nri: nobody's plugins are wanted here, and its socket would be at a fixed path.
# hosts.toml with `server` alone: whatever registry an image names, this one answers, and nobody else is asked.
_CONFIGURATION = """\
version = 3
root = {root}
state = {state}
[grpc]
  address = {socket}
[plugins."io.containerd.internal.v1.opt"]
  path = {opt}
[plugins."io.containerd.nri.v1.nri"]
  disable = true
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "overlayfs"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = {pause}
  [plugins."io.containerd.cri.v1.images".registry]
    config_path = {registries}
[plugins."io.containerd.cri.v1.runtime"]
  netns_mounts_under_state_dir = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.cri.v1.runtime".cni]
    bin_dirs = [{plugins}]
    conf_dir = {networks}
  [plugins."io.containerd.cri.v1.runtime".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
        BinaryName = {runc}
        Root = {containers}
        SystemdCgroup = false
"""


def write(folder: Path, debian: Path) -> None:
    """Write everything that containerd reads into its folder."""
    registry, networks = folder / "registries" / "_default", folder / "networks"
    for each in (registry, networks):
        each.mkdir(parents=True)
    (registry / "hosts.toml").write_text(f'server = "http://{REGISTRY}"\n')
    (networks / "pods.conflist").write_text(json.dumps(_pod_network()))
    paths = {
        **{name: folder / name for name in ("root", "state", "opt", "registries", "networks", "containers")},
        "socket": socket(folder),
        "pause": PAUSE,
        "plugins": debian / "usr" / "lib" / "cni",
        "runc": debian / "usr" / "sbin" / "runc",
    }
    # A JSON string is a TOML string.
    quoted = {name: json.dumps(str(path)) for name, path in paths.items()}
    configuration(folder).write_text(_CONFIGURATION.format(**quoted))


def configuration(folder: Path) -> Path:
    """Return the file that containerd is started with."""
    return folder / "config.toml"


def socket(folder: Path) -> Path:
    """Return where containerd answers the kubelet."""
    return folder / "containerd.sock"


def _pod_network() -> dict[str, Any]:
    # Pods have a default route, to the node, which has none: what has no place in the box is unreachable at once.
    addresses = {"type": "host-local", "dataDir": "/run/cni-addresses", "ranges": [[{"subnet": POD_NETWORK}]]}
    plugin = {"type": "ptp", "ipMasq": False, "ipam": {**addresses, "routes": [{"dst": "0.0.0.0/0"}]}}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [plugin]}
