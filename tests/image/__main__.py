"""`make image`: build the image with docker, podman or buildah, or on a base of Debian's packages alone."""

import argparse
import subprocess
import sys

from tests.cluster.go_module import BuildError

from .inputs import DOCKERFILE, ROOT, build_arguments, version
from .local_image import local_image

LOCAL = "local"
BUILDERS = {"docker": "build", "podman": "build", "buildah": "bud"}


def main() -> int:
    """Build the image and return the exit code."""
    parser = argparse.ArgumentParser(prog="make image")
    parser.add_argument("--base", help=f"the base image; `{LOCAL}` makes one, without any registry")
    base = parser.parse_args().base
    try:
        if base == LOCAL:
            print(f"an OCI archive: {local_image()}")  # noqa: T201 (it is what was asked for)
            return 0
        return _build(base)
    except BuildError as error:
        sys.stderr.write(f"make image: {error}\n")
        return 1


def _build(base: str | None) -> int:
    builder = next((each for each in BUILDERS if _works(each)), None)
    if builder is None:
        raise BuildError("neither docker nor podman nor buildah is here, or can do anything")
    name = f"job-api:{version()}"
    chosen = [f"--build-arg=BASE={base}"] if base else []
    command = [builder, BUILDERS[builder], *build_arguments(), *chosen, f"--file={DOCKERFILE}", f"--tag={name}"]
    code = subprocess.run([*command, str(ROOT)], check=False).returncode
    if code != 0:
        raise BuildError("the lines above say why not; where no registry can be reached: make image BASE=local")
    print(f"{builder} has the image {name}")  # noqa: T201 (as above)
    return 0


def _works(builder: str) -> bool:
    """Tell whether a program is here, and its daemon if it needs one."""
    try:
        return subprocess.run([builder, "info"], capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


if __name__ == "__main__":
    sys.exit(main())
