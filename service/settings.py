"""Every knob of the service: declared once, read from flags and from the environment, checked before use."""

import argparse
import ipaddress
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, NoReturn

from service import version

_ENVIRONMENT_PREFIX = "JOB_API_"
# Kubernetes injects these into every pod beside a Service named job-api (JOB_API_PORT=tcp://…):
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_INJECTED_BY_KUBERNETES = re.compile(r"JOB_API_(PORT|SERVICE_HOST|SERVICE_PORT(_.*)?|PORT_.*)")


class SettingsError(Exception):
    """A setting cannot be used; the text is one line that names the setting and the fix."""


@dataclass(frozen=True, slots=True)
class Address:
    """A TCP address to listen on; port 0 takes a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _loopback_address(text: str) -> Address:
    host, separator, port = text.rpartition(":")
    if not separator or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080")
    host = host.removeprefix("[").removesuffix("]")
    if not _is_loopback(host):
        raise ValueError(
            f"{text!r} is not a loopback address: callers are not told apart yet, and whoever reaches the "
            "service acts with its credentials; use 127.0.0.1 or [::1]"
        )
    return Address(host, int(port))


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _seconds(minimum: float, maximum: float) -> Callable[[str], float]:
    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not minimum <= value <= maximum:
            raise ValueError(f"{text!r} is not a number of seconds from {minimum:g} to {maximum:g}")
        return value

    return parse


def _whole(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not minimum <= int(text) <= maximum:
            raise ValueError(f"{text!r} is not a whole number from {minimum} to {maximum}")
        return int(text)

    return parse


def _one_of(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{text!r} is none of {', '.join(choices)}")
        return text

    return parse


def _boolean(text: str) -> bool:
    if text not in {"true", "false", "1", "0"}:
        raise ValueError(f"{text!r} is none of true, false, 1, 0")
    return text in {"true", "1"}


def _not_empty(text: str) -> str:
    if not text:
        raise ValueError("it is empty")
    return text


def _setting(parse: Callable[[str], Any], default: str | None, help_text: str) -> Any:
    """Declare a setting; its default is written as a person would write it, and parsed the same way."""
    return field(metadata={"parse": parse, "default": default, "help": help_text})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the service was told; the names are those of the flags."""

    listen: Address = _setting(
        _loopback_address, "127.0.0.1:8080", "HOST:PORT to serve on; loopback only; port 0 takes a free one"
    )
    sandbox: bool = _setting(
        _boolean, "false", "true: serve the embedded sandbox instead of a cluster; the flag alone says so too"
    )
    kubeconfig: str | None = _setting(
        _not_empty,
        None,
        "kubeconfig file, or several joined by ':'; unset: $KUBECONFIG, else the pod's service account, "
        "else ~/.kube/config",
    )
    context: str | None = _setting(_not_empty, None, "context of the kubeconfig; unset: its current-context")
    upstream_connect_seconds: float = _setting(
        _seconds(0.05, 60), "3", "seconds for a connection to the apiserver, TLS included"
    )
    upstream_first_byte_seconds: float = _setting(
        _seconds(0.05, 3600), "65", "seconds until the apiserver begins its answer; it gives up itself at 60"
    )
    chunk_seconds: float = _setting(
        _seconds(0.05, 3600), "30", "seconds without a byte before a body is given up, in either direction"
    )
    watch_silence_seconds: float = _setting(
        _seconds(0.05, 3600),
        "90",
        "seconds without a byte before a watch is given up, in either direction; the apiserver sends a bookmark "
        "each minute",
    )
    cache: bool = _setting(
        _boolean,
        "true",
        "true: one watch upstream feeds all watches and waits, and reads that allow it; false: each has its own",
    )
    watch_window_changes: int = _setting(
        _whole(1, 10_000_000), "10000", "changes that are kept for watches that are slow or come back"
    )
    watch_window_megabytes: int = _setting(_whole(1, 100_000), "64", "MiB of Jobs that they led to, at most")
    shutdown_grace_seconds: float = _setting(
        _seconds(0, 3600), "5", "seconds to keep serving after SIGTERM, while /readyz already says no"
    )
    shutdown_drain_seconds: float = _setting(
        # aiohttp would take 0 for no end at all.
        _seconds(0.05, 3600),
        "20",
        "seconds for the requests in flight to finish once the grace is over",
    )
    log_format: str = _setting(_one_of("json", "console"), "json", "json or console")
    log_level: str = _setting(_one_of("debug", "info", "warning", "error"), "info", "debug, info, warning or error")


def flag_of(name: str) -> str:
    """Return the command line's spelling of a setting: `log_level` is `--log-level`."""
    return "--" + name.replace("_", "-")


def variable_of(name: str) -> str:
    """Return the environment's spelling of a setting: `log_level` is `JOB_API_LOG_LEVEL`."""
    return _ENVIRONMENT_PREFIX + name.upper()


def read_settings(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """Read the settings: a flag wins over the environment, which wins over the default.

    Args:
        arguments: the command line without the program's name.
        environment: the process' environment; variables other than `JOB_API_…` are not looked at.

    Raises:
        SettingsError: a flag is unknown, or a value cannot be used.
        SystemExit: `--help` or `--version` was asked for and has been printed.
    """
    given = vars(_parser().parse_args(list(arguments)))
    return Settings(**{each.name: _value(each, given[each.name], environment) for each in fields(Settings)})


def default_settings(**given: Any) -> Settings:
    """Return settings with every default but those given, for a program that embeds the service."""
    defaults = {each.name: _value(each, None, {}) for each in fields(Settings)}
    return Settings(**(defaults | given))


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Return the `JOB_API_…` variables that are no setting and were not injected by Kubernetes."""
    known = {variable_of(each.name) for each in fields(Settings)}
    return sorted(
        name
        for name in environment
        if name.startswith(_ENVIRONMENT_PREFIX)
        and name not in known
        and not _INJECTED_BY_KUBERNETES.fullmatch(name)
    )


def _value(declared: Field[Any], flag: str | None, environment: Mapping[str, str]) -> Any:
    source, text = flag_of(declared.name), flag
    if text is None:
        source = variable_of(declared.name)
        text = environment.get(source, declared.metadata["default"])
    if text is None:
        return None
    try:
        return declared.metadata["parse"](text)
    except ValueError as error:
        raise SettingsError(f"{source}: {error}") from error


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        one_line = " ".join(message.splitlines())  # it quotes what was given
        raise SettingsError(f"{one_line} (--help lists every setting)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="job-api",
        description="The raw Kubernetes Job over HTTP: read it, create it from YAML, delete it, never edit it.",
        epilog="Every flag can also be set in the environment, by the name beside it; a flag wins.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"{version.NAME} {version.VERSION}")
    for each in fields(Settings):
        default = each.metadata["default"]
        shown = f"; default {default}" if default is not None else ""
        parser.add_argument(
            flag_of(each.name),
            metavar="VALUE",
            # A boolean's flag may stand alone.
            nargs="?" if each.metadata["parse"] is _boolean else None,
            const="true" if each.metadata["parse"] is _boolean else None,
            help=f"{each.metadata['help']}{shown} [{variable_of(each.name)}]",
        )
    return parser
