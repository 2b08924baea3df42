"""A real browser, driven over the Chrome DevTools Protocol with nothing but a websocket."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.waiting import WATCHDOG_SECONDS, eventually

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
HOW_TO_INSTALL = "there is no Chromium here; on Debian: apt-get install --no-install-recommends chromium"

# A stranger's name that leads to this machine, as whoever answers for a name may let it.
REBOUND = "rebound.example"

_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--lang=en-US",
    # Whatever else a version of Chromium wants to call home for, it reaches nothing but this machine.
    f"--host-resolver-rules=MAP {REBOUND} 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    "--remote-debugging-port=0",
)
# A page's frames and workers have sessions of their own, which begin before they have sent a request.
_AUTO_ATTACH = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}
Event = dict[str, Any]
Handler = Callable[[str, Event], Awaitable[None]]


class ChromiumError(Exception):
    """Chromium did not start, refused a command, or went away."""


class PageError(Exception):
    """What a page's script threw; the text is the exception's."""


@dataclass(frozen=True, slots=True)
class Message:
    """One line of a page's console.

    Attributes:
        level: log, info, warning, error or another of console's methods; `error` for an exception that nobody
            caught and for a request that failed.
        text: what it says.
    """

    level: str
    text: str


def find_program() -> str | None:
    """Return the path of the machine's Chromium, None where there is none."""
    return next((path for name in PROGRAMS if (path := shutil.which(name))), None)


def processes_of(group: int, folder: Path) -> list[int]:
    """Return the living processes of a group, and those whose arguments name a folder (on Linux; elsewhere none).

    The crash handler leaves the group, but not the folder. A killed process whose parent is gone stays a zombie
    until init looks after it, which is not ours to wait for.
    """
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            # The name, in brackets, may hold anything; behind it: state, parent, group.
            state, _, its_group = (each / "stat").read_text().rpartition(")")[2].split()[:3]
            named = os.fsencode(folder) in (each / "cmdline").read_bytes()
        except OSError:
            continue  # it ended meanwhile
        if state not in "ZX" and (int(its_group) == group or named):
            found.append(int(each.name))
    return found


class _Connection:
    """Commands and their answers, and events by session, all on one websocket."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = count(1)
        self._answers: dict[int, tuple[str | None, asyncio.Future[dict[str, Any]]]] = {}
        self._handlers: dict[str, Handler] = {}

    async def call(self, method: str, session: str | None = None, **parameters: object) -> dict[str, Any]:
        """Send a command and return its result.

        Raises:
            ChromiumError: it was refused, was not answered in time, or the session or the browser is gone.
        """
        if session is not None and session not in self._handlers:
            raise ChromiumError(f"{method}: the page is closed")
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[number] = session, answer
        try:
            async with asyncio.timeout(WATCHDOG_SECONDS):
                await self._send(number, method, session, parameters)
                return await answer
        except (TimeoutError, OSError) as error:
            raise ChromiumError(f"{method}: no answer ({type(error).__name__})") from error
        finally:
            del self._answers[number]

    async def tell(self, method: str, session: str, **parameters: object) -> None:
        """Send a command whose answer nobody waits for."""
        await self._send(next(self._numbers), method, session, parameters)

    async def _send(self, number: int, method: str, session: str | None, parameters: dict[str, object]) -> None:
        command: dict[str, object] = {"id": number, "method": method, "params": parameters}
        await self._socket.send_json(command if session is None else {**command, "sessionId": session})

    def listen(self, session: str, handler: Handler) -> None:
        """Pass a session's events on, in their order, until `forget`."""
        self._handlers[session] = handler

    def forget(self, handler: Handler) -> None:
        """Drop every session with this handler."""
        self._handlers = {session: each for session, each in self._handlers.items() if each != handler}

    async def read(self) -> None:
        """Hand out what comes, until the browser hangs up; then nobody waits any longer."""
        try:
            async for message in self._socket:
                await self._dispatch(json.loads(message.data))
        finally:
            for _, answer in self._answers.values():
                _fail(answer, "Chromium hung up")

    async def _dispatch(self, message: dict[str, Any]) -> None:
        if "id" not in message:
            await self._dispatch_event(message)
            return
        _, answer = self._answers.get(message["id"], (None, None))
        if answer is None:
            return
        if "error" in message:
            _fail(answer, message["error"]["message"])
        elif not answer.done():
            answer.set_result(message["result"])

    async def _dispatch_event(self, event: Event) -> None:
        if event["method"] == "Target.detachedFromTarget":
            # What is on its way to a page that ends is never answered.
            gone = event["params"]["sessionId"]
            self._handlers.pop(gone, None)
            for session, answer in self._answers.values():
                if session == gone:
                    _fail(answer, "the page is closed")
            return
        session = event.get("sessionId", "")
        if session in self._handlers:
            await self._handlers[session](session, event)


def _fail(answer: asyncio.Future[dict[str, Any]], text: str) -> None:
    if not answer.done():
        answer.set_exception(ChromiumError(text))


class Page:
    """One tab.

    Attributes:
        console: what its console has said so far, in order.
        requests: the URL of every request that it, its frames and its dedicated workers have made so far, for its
            favicon too, and whether or not it was answered. A request that its own Content-Security-Policy
            forbids is not made; `console` tells of it.
    """

    def __init__(self, connection: _Connection, target: str, session: str) -> None:
        self._connection = connection
        self._target = target
        self._session = session
        self._loaded: set[str] = set()
        self.console: list[Message] = []
        self.requests: list[str] = []
        connection.listen(session, self._on_event)

    async def begin(self) -> None:
        """Ask for the events that a page is made of."""
        for domain in ("Page", "Network", "Runtime", "Log"):
            await self.call(f"{domain}.enable")
        await self.call("Page.setLifecycleEventsEnabled", enabled=True)
        await self.call("Target.setAutoAttach", **_AUTO_ATTACH)

    async def goto(self, url: str) -> None:
        """Go to another document and wait until it is loaded.

        Raises:
            ChromiumError: it cannot be loaded.
        """
        answer = await self.call("Page.navigate", url=url)
        if "errorText" in answer:
            raise ChromiumError(f"{url}: {answer['errorText']}")
        await eventually(lambda: answer["loaderId"] in self._loaded)

    async def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, which is JSON; a promise is awaited first.

        Raises:
            PageError: it threw.
            ChromiumError: its value is no JSON, or the page went elsewhere meanwhile.
        """
        answer = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise PageError(_exception_text(answer["exceptionDetails"]))
        if "unserializableValue" in answer["result"]:
            raise ChromiumError(f"{answer['result']['unserializableValue']} is no JSON")
        return answer["result"].get("value")

    async def until(self, expression: str) -> Any:
        """Wait until a JavaScript expression holds, and return its value.

        Raises:
            PageError, ChromiumError: as in `evaluate`.
            TimeoutError: it never held.
        """
        async with asyncio.timeout(WATCHDOG_SECONDS):
            while not (value := await self.evaluate(expression)):
                await asyncio.sleep(0.01)
        return value

    async def close(self) -> None:
        """Close the tab; its console and its requests stay readable."""
        await self._connection.call("Target.closeTarget", targetId=self._target)
        self._connection.forget(self._on_event)

    async def call(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command of the protocol to the tab, and return its result.

        Raises:
            ChromiumError: it was refused, or the tab is gone.
        """
        return await self._connection.call(method, self._session, **parameters)

    async def _on_event(self, session: str, event: Event) -> None:
        parameters = event["params"]
        match event["method"]:
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Network.webSocketCreated" | "Network.webTransportCreated":
                self.requests.append(parameters["url"])
            case "Runtime.consoleAPICalled":
                self.console.append(Message(parameters["type"], _console_text(parameters["args"])))
            case "Runtime.exceptionThrown":
                self.console.append(Message("error", _exception_text(parameters["exceptionDetails"])))
            case "Log.entryAdded":
                self.console.append(_log_message(parameters["entry"]))
            case "Page.lifecycleEvent" if parameters["name"] == "load" and session == self._session:
                self._loaded.add(parameters["loaderId"])
            case "Target.attachedToTarget":
                await self._attach(parameters["sessionId"])

    async def _attach(self, session: str) -> None:
        # These travel in order, and a frame or worker runs after the last; what one does not know, it refuses.
        self._connection.listen(session, self._on_event)
        for domain in ("Network", "Runtime", "Log"):
            await self._connection.tell(f"{domain}.enable", session)
        await self._connection.tell("Target.setAutoAttach", session, **_AUTO_ATTACH)
        await self._connection.tell("Runtime.runIfWaitingForDebugger", session)


def _console_text(arguments: list[dict[str, Any]]) -> str:
    return " ".join(str(each.get("value", each.get("description", each["type"]))) for each in arguments)


def _exception_text(details: dict[str, Any]) -> str:
    thrown = details.get("exception", {})
    return str(thrown.get("description", thrown.get("value", details["text"])))


def _log_message(entry: dict[str, Any]) -> Message:
    return Message(entry["level"], " ".join(filter(None, (entry["text"], entry.get("url")))))


class Chromium:
    """A headless Chromium with a new profile; on leaving, its processes and its folder are gone.

    Attributes:
        pid: its first process, whose number is also the group's of all the others.
        folder: everything that it writes.
    """

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="chromium-")))
            process = await self._start()
            self.pid = process.pid
            stack.push_async_callback(_end, process, self.folder)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            url = await self._devtools_url(process)
            async with asyncio.timeout(WATCHDOG_SECONDS):
                socket = await stack.enter_async_context(session.ws_connect(url, max_msg_size=0))
            self._connection = _Connection(socket)
            reading = asyncio.create_task(self._connection.read())
            stack.push_async_callback(_end_of, reading)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def open(self, url: str) -> Page:
        """Open a tab and wait until its document is loaded.

        Raises:
            ChromiumError: it cannot be loaded.
        """
        target = (await self._connection.call("Target.createTarget", url="about:blank"))["targetId"]
        attached = await self._connection.call("Target.attachToTarget", targetId=target, flatten=True)
        page = Page(self._connection, target, attached["sessionId"])
        await page.begin()
        await page.goto(url)
        return page

    async def _start(self) -> asyncio.subprocess.Process:
        program = find_program()
        if program is None:
            raise ChromiumError(HOW_TO_INSTALL)
        # Its sandbox is not to be had by root, who runs the tests in most containers.
        flags = (*_FLAGS, "--no-sandbox") if os.geteuid() == 0 else _FLAGS
        with self._errors.open("wb") as errors:
            return await asyncio.create_subprocess_exec(
                *_dying_with_parent(),
                program,
                *flags,
                f"--user-data-dir={self.folder / 'profile'}",
                # Without an environment that names the user's desktop there is nothing of theirs to be met.
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "TMPDIR": str(self.folder)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,
            )

    @property
    def _errors(self) -> Path:
        return self.folder / "errors"

    async def _devtools_url(self, process: asyncio.subprocess.Process) -> str:
        """Wait for the file in which it says where it listens: a port, and a path on the next line."""
        said = self.folder / "profile" / "DevToolsActivePort"
        await eventually(lambda: process.returncode is not None or (said.exists() and "/" in said.read_text()))
        if process.returncode is not None:
            raise ChromiumError(f"Chromium ended with {process.returncode}: {self._errors.read_text()[-2000:]}")
        port, path = said.read_text().splitlines()
        return f"ws://127.0.0.1:{port}{path}"


def _dying_with_parent() -> tuple[str, ...]:
    """Return the beginning of a command that the kernel ends when the tests are killed, where there is one."""
    setpriv = shutil.which("setpriv") if sys.platform == "linux" else None
    return (setpriv, "--pdeathsig=KILL", "--") if setpriv else ()


async def _end_of(task: asyncio.Task[None]) -> None:
    """End a task; what went wrong in it is raised here."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def _end(process: asyncio.subprocess.Process, folder: Path) -> None:
    """Kill a process and its whole group, and wait until they are gone, and the crash handler behind them."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    async with asyncio.timeout(WATCHDOG_SECONDS):
        await process.wait()
    await eventually(lambda: not processes_of(process.pid, folder))
