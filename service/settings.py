"""Every knob of the service: declared once, read from flags and from the environment, checked before use."""

import argparse
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from typing import Any, NoReturn

from service import version
from service.setting_values import Address, address, boolean, namespaces, not_empty, one_of, seconds, whole

_ENVIRONMENT_PREFIX = "JOB_API_"
# Kubernetes injects these into every pod beside a Service named job-api (JOB_API_PORT=tcp://…):
# https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
_INJECTED_BY_KUBERNETES = re.compile(r"JOB_API_(PORT|SERVICE_HOST|SERVICE_PORT(_.*)?|PORT_.*)")
# It injects this one into every pod.
_IN_CLUSTER = "KUBERNETES_SERVICE_HOST"


class SettingsError(Exception):
    """A setting cannot be used; the text is one line that names the setting and the fix."""


def _setting(parse: Callable[[str], Any], default: str | None, help_text: str) -> Any:
    """Declare a setting; its default is written as a person would write it, and parsed the same way."""
    return field(metadata={"parse": parse, "default": default, "help": help_text})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the service was told; the names are those of the flags."""

    listen: Address = _setting(
        address,
        "127.0.0.1:8080",
        "HOST:PORT to serve on; only loopback where callers are not told apart; port 0 takes a free one",
    )
    tls_cert_file: str | None = _setting(
        not_empty,
        None,
        "PEM file of the certificate to serve HTTPS with, and of those that vouch for it; read again when it "
        "changes; unset: HTTP",
    )
    tls_private_key_file: str | None = _setting(
        not_empty, None, "PEM file of the certificate's key, without a password; likewise; unset: HTTP"
    )
    sandbox: bool = _setting(
        boolean, "false", "true: serve the embedded sandbox instead of a cluster; the flag alone says so too"
    )
    kubeconfig: str | None = _setting(
        not_empty,
        None,
        "kubeconfig file, or several joined by ':'; unset: $KUBECONFIG, else the pod's service account, "
        "else ~/.kube/config",
    )
    context: str | None = _setting(not_empty, None, "context of the kubeconfig; unset: its current-context")
    auth_mode: str = _setting(
        one_of("delegated", "passthrough", "none"),
        None,
        "how callers are told apart: delegated, passthrough or none; unset: delegated with a pod's service "
        "account, else none",
    )
    allow_unauthenticated: bool = _setting(
        boolean, "false", "true: with --auth-mode none, serve whoever reaches the service, on any address"
    )
    token_audience: str | None = _setting(
        not_empty, None, "audience that a caller's token must be for, in delegated; unset: the apiserver's own"
    )
    namespaces: tuple[str, ...] | None = _setting(
        namespaces, None, "the only namespaces to serve, joined by ','; unset: all"
    )
    identity_cache_seconds: float = _setting(
        seconds(0, 3600), "120", "seconds for which it is remembered whose a token is, never beyond its own end"
    )
    allowed_cache_seconds: float = _setting(
        seconds(0, 3600), "300", "seconds for which it is remembered what a caller may do"
    )
    denied_cache_seconds: float = _setting(
        seconds(0, 3600),
        "30",
        "seconds for which a no is remembered: a token that is none, what a caller may not do",
    )
    review_seconds: float = _setting(
        seconds(0.05, 60), "10", "seconds until the apiserver has answered who a caller is, or what it may do"
    )
    stream_review_seconds: float = _setting(
        seconds(0.05, 3600),
        "30",
        "seconds after which the caller of an open watch, wait or followed log is reviewed again",
    )
    max_requests_inflight: int = _setting(
        whole(1, 1_000_000),
        "400",
        "requests at a time, aside from watches, waits and logs that are followed; more are 429",
    )
    max_requests_inflight_per_caller: int = _setting(
        whole(1, 1_000_000), "200", "the same of one caller, where callers are told apart"
    )
    max_streams: int = _setting(
        whole(1, 1_000_000), "4000", "watches, waits and followed logs at a time; more are 429"
    )
    max_streams_per_caller: int = _setting(
        whole(1, 1_000_000), "2000", "the same of one caller, where callers are told apart"
    )
    head_seconds: float = _setting(
        seconds(0.05, 3600),
        "10",
        "seconds for a request's line and headers to arrive, from a connection's begin on",
    )
    body_seconds: float = _setting(seconds(0.05, 3600), "60", "seconds for a request's body to arrive whole")
    idle_seconds: float = _setting(
        seconds(0.05, 3600),
        "75",
        "seconds between two requests of a connection; a load balancer in front should give up sooner",
    )
    upstream_connect_seconds: float = _setting(
        seconds(0.05, 60), "3", "seconds for a connection to the apiserver, TLS included"
    )
    upstream_first_byte_seconds: float = _setting(
        seconds(0.05, 3600), "65", "seconds until the apiserver begins its answer; it gives up itself at 60"
    )
    chunk_seconds: float = _setting(
        seconds(0.05, 3600), "30", "seconds without a byte before a body is given up, in either direction"
    )
    watch_silence_seconds: float = _setting(
        seconds(0.05, 3600),
        "90",
        "seconds without a byte before a watch is given up, in either direction; the apiserver sends a bookmark "
        "each minute",
    )
    cache: bool = _setting(
        boolean,
        None,
        "true: one watch upstream feeds all watches and waits, and reads that allow it; false: each has its own; "
        "unset: true, but false in passthrough",
    )
    watch_window_changes: int = _setting(
        whole(1, 10_000_000), "10000", "changes that are kept for watches that are slow or come back"
    )
    watch_window_megabytes: int = _setting(whole(1, 100_000), "64", "MiB of Jobs that they led to, at most")
    shutdown_grace_seconds: float = _setting(
        seconds(0, 3600), "5", "seconds to keep serving after SIGTERM, while /readyz already says no"
    )
    shutdown_drain_seconds: float = _setting(
        # aiohttp would take 0 for no end at all.
        seconds(0.05, 3600),
        "20",
        "seconds for the requests in flight to finish once the grace is over",
    )
    log_format: str = _setting(one_of("json", "console"), "json", "json or console")
    log_level: str = _setting(one_of("debug", "info", "warning", "error"), "info", "debug, info, warning or error")


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
        SettingsError: a flag is unknown, a value cannot be used, or several do not go together.
        SystemExit: `--help` or `--version` was asked for and has been printed.
    """
    given = vars(_parser().parse_args(list(arguments)))
    values = {each.name: _value(each, given[each.name], environment) for each in fields(Settings)}
    return _consistent(values, environment)


def default_settings(**given: Any) -> Settings:
    """Return settings with every default but those given, for a program that embeds the service.

    Raises:
        SettingsError: they do not go together.
    """
    defaults = {each.name: _value(each, None, {}) for each in fields(Settings)}
    return _consistent(defaults | given, {})


def effective(settings: Settings) -> dict[str, object]:
    """Return every setting as a log line has it; there is no secret among them, only names of files with some."""
    values = {each.name: getattr(settings, each.name) for each in fields(Settings)}
    return values | {"listen": str(settings.listen)}


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


def _consistent(values: dict[str, Any], environment: Mapping[str, str]) -> Settings:
    """Return the settings with the defaults that depend on others, where all go together."""
    has_kubeconfig = values["kubeconfig"] or environment.get("KUBECONFIG")
    in_cluster = bool(environment.get(_IN_CLUSTER)) and not has_kubeconfig and not values["sandbox"]
    mode = values["auth_mode"] or ("delegated" if in_cluster else "none")
    cache = mode != "passthrough" if values["cache"] is None else values["cache"]
    settings = Settings(**(values | {"auth_mode": mode, "cache": cache}))
    if problem := _problem(settings):
        raise SettingsError(problem)
    return settings


def _problem(settings: Settings) -> str | None:
    mode = settings.auth_mode
    if settings.sandbox and mode != "none":
        return f"--auth-mode: the sandbox cannot tell callers apart, so it cannot be {mode} with --sandbox"
    if settings.token_audience is not None and mode != "delegated":
        return f"--token-audience: it has no effect with --auth-mode {mode}, only with delegated"
    if settings.allow_unauthenticated and mode != "none":
        return f"--allow-unauthenticated: it has no effect with --auth-mode {mode}, only with none"
    if mode == "none" and not settings.listen.is_loopback and not settings.allow_unauthenticated:
        return (
            f"--listen: '{settings.listen}' is not a loopback address, and with --auth-mode none whoever reaches "
            "the service acts with its credentials; use 127.0.0.1, --auth-mode delegated or passthrough, or add "
            "--allow-unauthenticated"
        )
    return _tls_problem(settings)


def _tls_problem(settings: Settings) -> str | None:
    names = ("tls_cert_file", "tls_private_key_file")
    given, missing = sorted(names, key=lambda name: getattr(settings, name) is None)
    if (getattr(settings, given) is None) == (getattr(settings, missing) is None):
        return None
    return f"{flag_of(missing)}: it is not given, but {flag_of(given)} is; HTTPS takes both, HTTP neither"


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


@functools.cache
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
            nargs="?" if each.metadata["parse"] is boolean else None,
            const="true" if each.metadata["parse"] is boolean else None,
            help=f"{each.metadata['help']}{shown} [{variable_of(each.name)}]",
        )
    return parser
