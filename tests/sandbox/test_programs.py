"""A container's command is read, and never executed."""

import math

import pytest

from service.sandbox.kubelet.programs import MOST_LOG_BYTES, PRETEND_SECONDS, Program, program


def told(found: Program) -> list[tuple[float, bytes]]:
    return [(each.second, each.text) for each in found.output]


def shell(script: str, *, option: str = "-c", **environment: str) -> tuple[bytes, float, int]:
    found = program(["sh", option, script], environment)
    return b"".join(text for _, text in told(found)), found.seconds, found.exit_code


def pretends(found: Program) -> bool:
    return b"".join(text for _, text in told(found)).startswith(b"sandbox: pretends to run: ")


def test_echo_writes_its_words() -> None:
    found = program(["echo", "a  b", "c"], {})
    assert (told(found), found.seconds, found.exit_code) == ([(0.0, b"a  b c\n")], 0.0, 0)


@pytest.mark.parametrize(
    ("argument", "seconds"),
    [
        ("3", 3),
        ("0.5", 0.5),
        (".5", 0.5),
        ("2s", 2),
        ("2m", 120),
        ("1h", 3600),
        ("infinity", math.inf),
        ("9" * 12, math.inf),
    ],
)
def test_sleep_takes_its_time(argument: str, seconds: float) -> None:
    assert program(["sleep", argument], {}).seconds == seconds


@pytest.mark.parametrize(
    ("argv", "code"),
    [(["true"], 0), (["false"], 1), (["/bin/true"], 0), (["/usr/bin/false"], 1), (["/bin/sh", "-c", "false"], 1)],
)
def test_exit_codes_are_those_of_the_programs(argv: list[str], code: int) -> None:
    assert program(argv, {}).exit_code == code


@pytest.mark.parametrize(
    ("script", "output", "seconds", "code"),
    [
        ("", b"", 0, 0),
        ("echo a; echo b", b"a\nb\n", 0, 0),
        ("echo a\n\n  echo b\n", b"a\nb\n", 0, 0),
        ("echo a && sleep 2 && echo b", b"a\nb\n", 2, 0),
        ("echo a; sleep 1.5; exit 3; echo b", b"a\n", 1.5, 3),
        ("false && echo a; echo b", b"b\n", 0, 0),
        ("false || echo a", b"a\n", 0, 0),
        ("true || echo a", b"", 0, 0),
        ("false", b"", 0, 1),
        ("false; exit", b"", 0, 1),
        ("exit 256", b"", 0, 0),
        ("echo 'a;  b' \"c && d\" e\\ f", b"a;  b c && d e f\n", 0, 0),
        ("echo -n a; echo b", b"ab\n", 0, 0),
        ("printf 'a %s %d%%\\n' b 3", b"a b 3%\n", 0, 0),
        ("echo oops >&2; exit 1", b"oops\n", 0, 1),
        ("echo a # b", b"a\n", 0, 0),
        ("echo a#b", b"a#b\n", 0, 0),
        (": ; echo Hello, world!", b"Hello, world!\n", 0, 0),
        ("set -e; echo a; false; echo b", b"a\n", 0, 1),
        ("set -euo pipefail; false || echo a; false && echo b; echo c", b"a\nc\n", 0, 0),
        ("sleep infinity; echo a", b"", math.inf, 0),
    ],
)
def test_a_script_is_gone_through(script: str, output: bytes, seconds: float, code: int) -> None:
    assert shell(script) == (output, seconds, code)


def test_errexit_can_be_an_option_of_the_shell() -> None:
    assert shell("false; echo a", option="-ec") == (b"", 0, 1)


def test_variables_stand_for_their_values() -> None:
    assert shell("echo $A-${A} \"$A\" '$A' \\$A", A="x y")[0] == b"x y-x y x y $A $A\n"


def test_references_of_kubernetes_stand_for_their_values() -> None:
    found = program(["echo", "$(A)", "$$(A)", "$(B)"], {"A": "x"})
    assert told(found) == [(0.0, b"x $(A) $(B)\n")]


@pytest.mark.parametrize(
    "script",
    [
        "echo a | cat",
        "echo a > /file",
        "echo $(date)",
        "echo `date`",
        "for i in 1 2; do echo $i; done",
        "if true; then echo a; fi",
        "echo $UNKNOWN",
        "echo a &",
        "(echo a)",
        "echo *",
        "echo 'a",
        "A=b; echo a",
        "echo a &&",
        "echo a ;; echo b",
        "rm -rf /",
        "sleep now",
        "exit now",
    ],
)
def test_what_is_not_understood_is_pretended(script: str) -> None:
    found = program(["sh", "-c", script], {})
    assert pretends(found)
    assert (len(found.output), found.seconds, found.exit_code) == (1, PRETEND_SECONDS, 0)


@pytest.mark.parametrize(
    "argv", [[], ["perl", "-e", "1"], ["sh"], ["sh", "script"], ["exit", "1"], ["./echo", "a"]]
)
def test_other_programs_are_pretended(argv: list[str]) -> None:
    assert pretends(program(argv, {}, image="busybox"))


def test_a_container_without_a_command_pretends_to_run_its_image() -> None:
    assert told(program([], {}, image="nginx")) == [(0.0, b"sandbox: pretends to run: nginx\n")]


def test_output_comes_when_its_time_has_come() -> None:
    found = program(["sh", "-c", "echo a; sleep 2; echo b"], {})
    assert told(found) == [(0.0, b"a\n"), (2.0, b"b\n")]


@pytest.mark.parametrize("argv", [["echo", "$(A)" * 10_000], ["sh", "-c", "echo " + "$A" * 10_000]])
def test_values_do_not_multiply_without_bound(argv: list[str]) -> None:
    assert pretends(program(argv, {"A": "x" * 100_000}))


def test_output_is_bounded() -> None:
    assert len(shell(f"echo {'x' * 1_000};" * 100)[0]) == MOST_LOG_BYTES


@pytest.mark.parametrize(
    "script", ["'" * 50_001, '"' * 50_001, "\\" * 50_001, "a'" * 25_000 + "b", "$" * 50_000, '"\\' * 25_000]
)
def test_hostile_scripts_take_no_time(script: str) -> None:
    program(["sh", "-c", "echo " + script], {})
