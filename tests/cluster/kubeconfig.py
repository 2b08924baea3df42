"""Write kubeconfig files."""

from pathlib import Path

import yaml

from .certificates import KeyPair


def write_kubeconfig(
    path: Path, server: str, ca_file: Path, *, token: str | None = None, client: KeyPair | None = None
) -> Path:
    """Write a kubeconfig, readable by its owner only; with neither token nor client it is anonymous."""
    user: dict[str, str] = {}
    if token is not None:
        user["token"] = token
    if client is not None:
        user |= {"client-certificate": str(client.certificate), "client-key": str(client.key)}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": str(ca_file)}}],
        "users": [{"name": path.stem, "user": user}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": path.stem}}],
        "current-context": "test",
    }
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    return path
