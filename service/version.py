"""Which program this is: its name, its version, and the git commit that it was made from."""

from importlib import metadata
from pathlib import Path

NAME = "job-api"


def _installed_version() -> str:
    try:
        return metadata.version(NAME)
    except metadata.PackageNotFoundError:
        return "0.0.0+uninstalled"


VERSION = _installed_version()


def git_commit() -> str | None:
    """Return the commit that this copy was made from.

    An image has it in a file named COMMIT beside this one, written by its build; a checkout has it in .git.
    Returns None where neither is there, as in an installed wheel.
    """
    here = Path(__file__).parent
    stamped = here / "COMMIT"
    if stamped.is_file():
        return stamped.read_text().strip()
    return _commit_of_checkout(here.parent / ".git")


def _commit_of_checkout(git: Path) -> str | None:
    """Read HEAD as git writes it (gitrepository-layout(5)), so that no git program is needed."""
    if not (git / "HEAD").is_file():
        return None
    head = (git / "HEAD").read_text().strip()
    if not head.startswith("ref: "):
        return head
    reference = head.removeprefix("ref: ")
    if (git / reference).is_file():
        return (git / reference).read_text().strip()
    packed = git / "packed-refs"
    for line in packed.read_text().splitlines() if packed.is_file() else ():
        commit, _, name = line.partition(" ")
        if name == reference:
            return commit
    return None
