"""Lines that requests leave go out together; none is lost, and none comes before one that was written earlier."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.processes import ROOT

START = """
import asyncio, os, sys, threading
import structlog
from service import logging
logging.configure("json", "info")
audit, other = structlog.stdlib.get_logger("service.audit"), structlog.stdlib.get_logger("other")
"""


def written(program: str, *, code: int = 0) -> list[dict[str, Any]]:
    """Run a program that logs, and return its lines."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", START + program],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    return [json.loads(line) for line in done.stderr.decode().splitlines()]


def numbers(program: str, **options: Any) -> list[int]:
    return [line["n"] for line in written(program, **options)]


def test_lines_keep_their_order_whichever_logger_writes_them() -> None:
    lines = written("""
async def main():
    for n in range(1000):
        (other if n % 7 == 0 else audit).info("x", n=n)
        if n % 11 == 0:
            await asyncio.sleep(0)
asyncio.run(main())
audit.info("x", n=1000)
other.info("x", n=1001)
""")
    assert [line["n"] for line in lines] == list(range(1002))
    assert {line["logger"] for line in lines} == {"service.audit", "other"}
    stamps = [line["timestamp"] for line in lines]
    assert stamps == sorted(stamps)


def test_lines_of_one_turn_of_the_loop_are_one_write() -> None:
    lines = written("""
class Counting:
    writes = 0
    def __init__(self, stream):
        self.stream = stream
    def write(self, text):
        Counting.writes += 1
        self.stream.write(text)
    def __getattr__(self, name):
        return getattr(self.stream, name)
sys.stderr = Counting(sys.stderr)
logging.configure("json", "info")
async def main():
    for n in range(100):
        audit.info("x", n=n)
    assert Counting.writes == 0
    await asyncio.sleep(0)
    assert Counting.writes == 1
asyncio.run(main())
""")
    assert len(lines) == 100


@pytest.mark.parametrize(
    "end",
    [
        "asyncio.run(main())",
        "asyncio.new_event_loop().run_until_complete(main())",
        "loop = asyncio.new_event_loop(); loop.call_soon(last, loop); loop.run_forever()",
        "loop = asyncio.new_event_loop(); loop.call_soon(last, loop); loop.run_forever(); loop.close()",
    ],
)
def test_no_line_is_lost_at_the_end_of_the_process(end: str) -> None:
    program = f"""
async def main():
    last()
def last(loop=None):
    audit.info("x", n=0)
    audit.info("x", n=1)
    if loop is not None:
        loop.stop()
import warnings
warnings.simplefilter("ignore", ResourceWarning)
{end}
"""
    assert numbers(program) == [0, 1]


def test_no_line_is_lost_when_the_process_is_told_to_exit_within_a_turn() -> None:
    program = """
async def main():
    audit.info("x", n=0)
    sys.exit(3)
asyncio.run(main())
"""
    assert numbers(program, code=3) == [0]


@pytest.mark.parametrize("then", ["audit", "other"])
@pytest.mark.parametrize("closed", [False, True])
def test_a_loop_that_ended_with_a_line_waiting_holds_no_later_line_back(then: str, closed: bool) -> None:
    program = f"""
ended = asyncio.new_event_loop()
ended.call_soon(lambda: (ended.stop(), audit.info("x", n=0)))
ended.run_forever()
if {closed}:
    ended.close()
async def main():
    {then}.info("x", n=1)
    await asyncio.sleep(0)
    os.write(2, b'{{"n": 2}}\\n')
    audit.info("x", n=3)
asyncio.run(main())
{then}.info("x", n=4)
os.write(2, b'{{"n": 5}}\\n')
ended.close()
"""
    assert numbers(program) == [0, 1, 2, 3, 4, 5]


def test_no_line_of_a_thread_is_lost_and_each_threads_are_in_their_order() -> None:
    program = """
async def serve(who):
    for n in range(500):
        (other if n % 50 == 49 else audit).info("x", who=who, n=n)
        if n % 3 == 0:
            await asyncio.sleep(0)
def work(who):
    for n in range(500):
        (other if n % 2 else audit).info("x", who=who, n=n)
threads = [threading.Thread(target=asyncio.run, args=(serve(who),)) for who in ("a", "b")]
threads += [threading.Thread(target=work, args=(who,)) for who in ("c", "d")]
for each in threads:
    each.start()
asyncio.run(serve("e"))
for each in threads:
    each.join()
"""
    lines = written(program)
    assert len(lines) == 2500
    for who in "abcde":
        assert [line["n"] for line in lines if line["who"] == who] == list(range(500)), who
