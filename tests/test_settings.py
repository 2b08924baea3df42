"""Every setting: where its value comes from, what is refused, and what --help says of it."""

import re
from collections.abc import Iterator
from dataclasses import fields

import pytest

from service.setting_values import Address
from service.settings import (
    Settings,
    SettingsError,
    default_settings,
    flag_of,
    read_settings,
    unknown_variables,
    variable_of,
)

NAMES = tuple(each.name for each in fields(Settings))
SECONDS = tuple(name for name in NAMES if name.endswith("_seconds"))

# For each setting a value that is not the default, what it is read as, and another such pair.
USABLE: dict[str, tuple[tuple[str, object], tuple[str, object]]] = {
    "listen": (("127.8.8.8:1", Address("127.8.8.8", 1)), ("[::1]:2", Address("::1", 2))),
    "tls_cert_file": (("/a", "/a"), ("b", "b")),
    "tls_private_key_file": (("/a", "/a"), ("b", "b")),
    "sandbox": (("true", True), ("0", False)),
    "kubeconfig": (("/a:/b", "/a:/b"), ("c", "c")),
    "context": (("one", "one"), ("two", "two")),
    "auth_mode": (("delegated", "delegated"), ("passthrough", "passthrough")),
    "allow_unauthenticated": (("true", True), ("1", True)),
    "token_audience": (("job-api", "job-api"), ("https://a.example", "https://a.example")),
    "namespaces": (("a", ("a",)), ("team-a,team-b", ("team-a", "team-b"))),
    "identity_cache_seconds": (("0", 0.0), ("2", 2.0)),
    "allowed_cache_seconds": (("0", 0.0), ("2", 2.0)),
    "denied_cache_seconds": (("0", 0.0), ("2", 2.0)),
    "review_seconds": (("0.5", 0.5), ("2", 2.0)),
    "stream_review_seconds": (("0.5", 0.5), ("2", 2.0)),
    "max_requests_inflight": (("1", 1), ("999999", 999_999)),
    "max_requests_inflight_per_caller": (("1", 1), ("999999", 999_999)),
    "max_streams": (("1", 1), ("999999", 999_999)),
    "max_streams_per_caller": (("1", 1), ("999999", 999_999)),
    "head_seconds": (("0.5", 0.5), ("2", 2.0)),
    "body_seconds": (("0.5", 0.5), ("2", 2.0)),
    "idle_seconds": (("0.5", 0.5), ("2", 2.0)),
    "upstream_connect_seconds": (("0.5", 0.5), ("2", 2.0)),
    "upstream_first_byte_seconds": (("0.5", 0.5), ("2", 2.0)),
    "chunk_seconds": (("0.5", 0.5), ("2", 2.0)),
    "watch_silence_seconds": (("0.5", 0.5), ("2", 2.0)),
    "cache": (("false", False), ("1", True)),
    "watch_window_changes": (("1", 1), ("9999999", 9_999_999)),
    "watch_window_megabytes": (("1", 1), ("99999", 99_999)),
    "shutdown_grace_seconds": (("0", 0.0), ("2", 2.0)),
    "shutdown_drain_seconds": (("0.5", 0.5), ("2", 2.0)),
    "log_format": (("console", "console"), ("json", "json")),
    "log_level": (("debug", "debug"), ("error", "error")),
}
DEFAULTS: dict[str, object] = {
    "listen": Address("127.0.0.1", 8080),
    "tls_cert_file": None,
    "tls_private_key_file": None,
    "sandbox": False,
    "kubeconfig": None,
    "context": None,
    "auth_mode": "none",
    "allow_unauthenticated": False,
    "token_audience": None,
    "namespaces": None,
    "identity_cache_seconds": 120.0,
    "allowed_cache_seconds": 300.0,
    "denied_cache_seconds": 30.0,
    "review_seconds": 10.0,
    "stream_review_seconds": 30.0,
    "max_requests_inflight": 400,
    "max_requests_inflight_per_caller": 200,
    "max_streams": 4000,
    "max_streams_per_caller": 2000,
    "head_seconds": 10.0,
    "body_seconds": 60.0,
    "idle_seconds": 75.0,
    "upstream_connect_seconds": 3.0,
    "upstream_first_byte_seconds": 65.0,
    "chunk_seconds": 30.0,
    "watch_silence_seconds": 90.0,
    "cache": True,
    "watch_window_changes": 10_000,
    "watch_window_megabytes": 64,
    "shutdown_grace_seconds": 5.0,
    "shutdown_drain_seconds": 20.0,
    "log_format": "json",
    "log_level": "info",
}

# What a setting asks for beside itself, and what that is read as.
BESIDE: dict[str, dict[str, str]] = {
    "token_audience": {"auth_mode": "delegated"},
    "tls_cert_file": {"tls_private_key_file": "/k"},
    "tls_private_key_file": {"tls_cert_file": "/c"},
}

# What Kubernetes puts into every container beside a Service named job-api.
INJECTED = {
    "JOB_API_PORT": "tcp://10.0.0.1:8080",
    "JOB_API_SERVICE_HOST": "10.0.0.1",
    "JOB_API_SERVICE_PORT": "8080",
    "JOB_API_SERVICE_PORT_HTTP": "8080",
    "JOB_API_PORT_8080_TCP": "tcp://10.0.0.1:8080",
    "JOB_API_PORT_8080_TCP_PROTO": "tcp",
    "JOB_API_PORT_8080_TCP_PORT": "8080",
    "JOB_API_PORT_8080_TCP_ADDR": "10.0.0.1",
}


def values(settings: Settings) -> dict[str, object]:
    return {name: getattr(settings, name) for name in NAMES}


# Values that a setting cannot have.
REFUSED: dict[str, tuple[str, ...]] = {
    "listen": ("", "8080", ":8080", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1"),
    "auth_mode": ("", "None", "token"),
    "allow_unauthenticated": ("", "yes", "True", "2"),
    "token_audience": ("",),
    "namespaces": ("", ",", "a,", "a, b", "A", "a_b", "a" * 64, "a/b"),
    "max_requests_inflight": ("", "0", "-1", "1.5", "1e3", "many", "9" * 30),
    "max_requests_inflight_per_caller": ("", "0", "-1", "1.5", "1e3", "many", "9" * 30),
    "max_streams": ("", "0", "-1", "1.5", "1e3", "many", "9" * 30),
    "max_streams_per_caller": ("", "0", "-1", "1.5", "1e3", "many", "9" * 30),
    "sandbox": ("", "yes", "True", "2"),
    "cache": ("", "yes", "True", "2"),
    "tls_cert_file": ("",),
    "tls_private_key_file": ("",),
    "kubeconfig": ("",),
    "context": ("",),
    "watch_window_changes": ("", "0", "-1", "1.5", "1e3", "many", "9" * 30),
    "watch_window_megabytes": ("", "0", "-1", "1.5", "1e3", "many", "9" * 30),
    "log_format": ("", "JSON", "yaml"),
    "log_level": ("", "INFO", "critical", "10"),
}

MAY_BE_ZERO = ("shutdown_grace_seconds", "identity_cache_seconds", "allowed_cache_seconds", "denied_cache_seconds")


def unusable() -> Iterator[tuple[str, str]]:
    """Yield every setting with values that it cannot have."""
    for name, texts in REFUSED.items():
        for text in texts:
            yield name, text
    for name in SECONDS:
        for text in ("", "soon", "nan", "inf", "-inf", "-1", "1e9", "3s", "0x10"):
            yield name, text
    for name in (each for each in SECONDS if each not in MAY_BE_ZERO):
        yield name, "0"  # a deadline that nothing could meet


UNUSABLE = tuple(unusable())


def beside(name: str) -> dict[str, str]:
    return {variable_of(other): text for other, text in BESIDE.get(name, {}).items()}


def expected(name: str, value: object) -> dict[str, object]:
    return DEFAULTS | BESIDE.get(name, {}) | {name: value}


def refusal(arguments: list[str], environment: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as raised:
        read_settings(arguments, environment)
    return str(raised.value)


def test_every_setting_is_in_the_tables_of_this_file() -> None:
    assert set(USABLE) == set(DEFAULTS) == set(NAMES)


def test_with_nothing_said_every_setting_has_its_default() -> None:
    assert values(read_settings([], {})) == DEFAULTS
    assert values(default_settings()) == DEFAULTS


def test_an_embedding_program_gives_what_it_likes_and_gets_the_other_defaults() -> None:
    assert values(default_settings(log_level="error")) == DEFAULTS | {"log_level": "error"}


def test_the_flag_of_a_boolean_may_stand_alone() -> None:
    assert read_settings(["--sandbox", "--log-level=debug"], {"JOB_API_SANDBOX": "false"}).sandbox is True
    assert read_settings(["--sandbox", "false"], {"JOB_API_SANDBOX": "true"}).sandbox is False


@pytest.mark.parametrize("name", NAMES)
def test_the_environment_wins_over_the_default(name: str) -> None:
    text, value = USABLE[name][0]
    assert values(read_settings([], {variable_of(name): text} | beside(name))) == expected(name, value)


@pytest.mark.parametrize("name", NAMES)
def test_a_flag_wins_over_the_environment(name: str) -> None:
    (text, value), (other, _) = USABLE[name]
    environment = {variable_of(name): other} | beside(name)
    assert values(read_settings([flag_of(name), text], environment)) == expected(name, value)
    assert values(read_settings([f"{flag_of(name)}={text}"], environment)) == expected(name, value)


def test_a_variable_that_cannot_be_used_is_not_looked_at_beside_its_flag() -> None:
    assert read_settings(["--log-level", "debug"], {"JOB_API_LOG_LEVEL": "loud"}).log_level == "debug"


@pytest.mark.parametrize("name", NAMES)
def test_help_has_every_flag_with_its_variable_its_default_and_an_explanation(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    monkeypatch.setenv("NO_COLOR", "1")
    with pytest.raises(SystemExit) as ended:
        read_settings(["--help"], {})
    assert ended.value.code == 0
    entry = re.compile(rf"^  {flag_of(name)} (?:VALUE|\[VALUE\])\s+(.*) \[{variable_of(name)}\]$", re.MULTILINE)
    said = entry.search(capsys.readouterr().out)
    assert said is not None
    default = next(each.metadata["default"] for each in fields(Settings) if each.name == name)
    explanation, _, shown = said[1].partition("; default ")
    assert (shown or None) == default
    assert len(explanation.split()) > 2
    assert default is not None or "unset: " in explanation


def test_version_prints_the_name_and_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        read_settings(["--version"], {})
    assert ended.value.code == 0
    name, version = capsys.readouterr().out.split()
    assert (name, version[0].isdigit()) == ("job-api", True)


def test_every_setting_has_a_value_that_it_refuses() -> None:
    assert {name for name, _ in UNUSABLE} == set(NAMES)


@pytest.mark.parametrize(("name", "text"), UNUSABLE)
def test_a_flag_that_cannot_be_used_is_refused_in_one_line_that_names_it_and_its_value(
    name: str, text: str
) -> None:
    line = refusal([f"{flag_of(name)}={text}"], {})
    assert line.startswith(f"{flag_of(name)}: ")
    assert (repr(text) if text else "''") in line or (text == "" and "empty" in line)
    assert "\n" not in line


@pytest.mark.parametrize(("name", "text"), UNUSABLE)
def test_a_variable_that_cannot_be_used_is_refused_in_one_line_that_names_it_and_its_value(
    name: str, text: str
) -> None:
    line = refusal([], {variable_of(name): text})
    assert line.startswith(f"{variable_of(name)}: ")
    assert (repr(text) if text else "''") in line or (text == "" and "empty" in line)
    assert "\n" not in line


def test_a_port_of_more_digits_than_python_reads_is_refused_like_any_other() -> None:
    text = "127.0.0.1:" + "9" * 5000
    assert refusal([f"--listen={text}"], {}) == refusal(["--listen=x"], {}).replace("'x'", f"'{text}'")


@pytest.mark.parametrize("text", ["lo\nud", "lo\r\nud", "lo\u2028ud"])
def test_a_line_break_in_a_value_does_not_break_the_line(text: str) -> None:
    assert len(refusal([f"--log-level={text}"], {}).splitlines()) == 1
    assert len(refusal([f"--listen={text}"], {}).splitlines()) == 1
    assert len(refusal([f"--what={text}"], {}).splitlines()) == 1


@pytest.mark.parametrize(
    "text",
    [
        "0.0.0.0:8080",
        "10.0.0.1:8080",
        "[::]:8080",
        "*:8080",
        "[fe80::1]:8080",
        "example.org:8080",
        "localhost.example.org:8080",
        "127.0.0.1.example.org:8080",
        "127.1:8080",
        "0:8080",
    ],
)
def test_an_address_that_others_can_reach_is_refused_in_one_line(text: str) -> None:
    line = refusal([f"--listen={text}"], {})
    assert line.startswith(f"--listen: '{text}' is not a loopback address, ")
    assert "\n" not in line
    for enough in (["--auth-mode=delegated"], ["--auth-mode=passthrough"], ["--allow-unauthenticated"]):
        assert str(read_settings([f"--listen={text}", *enough], {}).listen) == text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:0", Address("127.0.0.1", 0)),
        ("127.8.8.8:1", Address("127.8.8.8", 1)),
        ("[::1]:8080", Address("::1", 8080)),
        ("localhost:80", Address("localhost", 80)),
        ("127.0.0.1:65535", Address("127.0.0.1", 65535)),
    ],
)
def test_a_loopback_address_is_accepted_and_written_again_as_it_came(text: str, address: Address) -> None:
    listen = read_settings([f"--listen={text}"], {}).listen
    assert listen == address
    assert str(listen) == text


@pytest.mark.parametrize(
    ("arguments", "environment", "mode"),
    [
        ([], {}, "none"),
        ([], {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "delegated"),
        ([], {"KUBERNETES_SERVICE_HOST": ""}, "none"),
        (["--sandbox"], {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "none"),
        (["--kubeconfig=/a"], {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "none"),
        ([], {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBECONFIG": "/a"}, "none"),
        (["--auth-mode=none"], {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "none"),
        (["--auth-mode=passthrough"], {"KUBECONFIG": "/a"}, "passthrough"),
    ],
)
def test_callers_are_told_apart_where_the_credentials_are_a_pods(
    arguments: list[str], environment: dict[str, str], mode: str
) -> None:
    assert read_settings(arguments, environment).auth_mode == mode


@pytest.mark.parametrize(
    ("arguments", "cache"),
    [
        ([], True),
        (["--auth-mode=delegated"], True),
        (["--auth-mode=passthrough"], False),
        (["--auth-mode=passthrough", "--cache"], True),
        (["--cache=false"], False),
    ],
)
def test_the_cache_is_on_unless_the_apiserver_is_to_decide_on_every_call(arguments: list[str], cache: bool) -> None:
    assert read_settings(arguments, {}).cache is cache


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--sandbox", "--auth-mode=delegated"], "--auth-mode: the sandbox cannot tell callers apart"),
        (["--sandbox", "--auth-mode=passthrough"], "--auth-mode: the sandbox cannot tell callers apart"),
        (["--tls-cert-file=a"], "--tls-private-key-file: it is not given, but --tls-cert-file is"),
        (["--tls-private-key-file=a"], "--tls-cert-file: it is not given, but --tls-private-key-file is"),
        (["--token-audience=a"], "--token-audience: it has no effect with --auth-mode none"),
        (["--token-audience=a", "--auth-mode=passthrough"], "--token-audience: it has no effect with"),
        (["--allow-unauthenticated", "--auth-mode=delegated"], "--allow-unauthenticated: it has no effect with"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_in_one_line(arguments: list[str], told: str) -> None:
    line = refusal(arguments, {})
    assert line.startswith(told)
    assert "\n" not in line


@pytest.mark.parametrize("name", SECONDS)
def test_a_number_of_seconds_has_a_least_and_a_largest_value(name: str) -> None:
    line = refusal([f"{flag_of(name)}=nan"], {})
    least, largest = line.split(" from ")[1].split(" to ")
    assert getattr(read_settings([f"{flag_of(name)}={least}"], {}), name) == float(least)
    assert getattr(read_settings([f"{flag_of(name)}={largest}"], {}), name) == float(largest)
    refusal([f"{flag_of(name)}={float(largest) + 0.01}"], {})
    refusal([f"{flag_of(name)}={float(least) - 0.01}"], {})


@pytest.mark.parametrize(
    "arguments",
    [
        ["--log-lev", "info"],
        ["--log-lev=info"],
        ["--kube", "/a"],
        ["--hel"],
        ["--vers"],
        ["--no-such-flag"],
        ["positional"],
        ["--log-level"],
        ["-l", "127.0.0.1:0"],
    ],
)
def test_an_abbreviated_unknown_or_incomplete_flag_is_refused_in_one_line_that_names_it(
    arguments: list[str],
) -> None:
    line = refusal(arguments, {})
    assert arguments[0] in line
    assert "--help" in line
    assert "\n" not in line


@pytest.mark.parametrize("name", NAMES)
def test_no_variable_of_ours_can_be_one_that_kubernetes_injects(name: str) -> None:
    variable = variable_of(name)
    assert variable.startswith("JOB_API_")
    assert not variable.endswith("_PORT")
    assert "_SERVICE_" not in variable
    assert "_PORT_" not in variable


def test_what_kubernetes_injects_for_a_service_named_job_api_is_no_setting_and_not_warned_of() -> None:
    assert values(read_settings([], INJECTED)) == DEFAULTS
    assert unknown_variables(INJECTED) == []


def test_an_unknown_variable_of_our_prefix_is_listed_and_no_other() -> None:
    environment = {variable_of(name): "any" for name in NAMES} | {
        "JOB_API_LISTEM": "127.0.0.1:1",
        "JOB_API_KUBE_CONFIG": "/a",
        "JOB_API_": "",
        "JOB_API_SERVICE": "x",
        "JOB_APIS": "x",
        "KUBECONFIG": "/b",
        "PATH": "/bin",
    }
    assert unknown_variables(environment | INJECTED) == [
        "JOB_API_",
        "JOB_API_KUBE_CONFIG",
        "JOB_API_LISTEM",
        "JOB_API_SERVICE",
    ]


def test_environment_names_are_read_as_they_are_spelled() -> None:
    assert values(read_settings([], {"job_api_log_level": "debug", "LOG_LEVEL": "debug"})) == DEFAULTS


def test_settings_cannot_be_changed_once_they_are_read() -> None:
    with pytest.raises(AttributeError):
        read_settings([], {}).log_level = "debug"  # type: ignore[misc]
