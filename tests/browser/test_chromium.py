"""The driver itself: what the other tests of this folder rely on."""

import asyncio
import json
import os
import signal

import pytest

from service import version
from tests.browser.chromium import (
    HOW_TO_INSTALL,
    Chromium,
    ChromiumError,
    Message,
    PageError,
    find_program,
    processes_of,
)
from tests.conftest import StartService
from tests.waiting import eventually

pytestmark = pytest.mark.browser


async def test_a_page_shows_what_the_service_answers(start_service: StartService, chromium: Chromium) -> None:
    url = await start_service(sandbox=True)
    page = await chromium.open(f"{url}/version")
    shown = json.loads(await page.evaluate("document.body.innerText"))
    assert (shown["name"], shown["version"]) == (version.NAME, version.VERSION)
    assert await page.evaluate("location.href") == f"{url}/version"


async def test_a_page_fetches_from_the_service(start_service: StartService, chromium: Chromium) -> None:
    url = await start_service(sandbox=True)
    page = await chromium.open(f"{url}/version")
    answer = await page.evaluate("fetch('/livez').then(async got => [got.status, await got.text()])")
    assert answer == [200, "ok"]
    assert f"{url}/livez" in page.requests


async def test_a_value_comes_back_as_json(chromium: Chromium) -> None:
    page = await chromium.open("about:blank")
    assert await page.evaluate("({text: 'ä', list: [1, null, true, 0.5]})") == {
        "text": "ä",
        "list": [1, None, True, 0.5],
    }
    assert await page.evaluate("Promise.resolve('later')") == "later"
    assert await page.evaluate("undefined") is None


async def test_what_a_script_throws_is_raised(chromium: Chromium) -> None:
    page = await chromium.open("about:blank")
    for throws, text in (
        ("nothing.here", "ReferenceError: nothing is not defined"),
        ("Promise.reject(new TypeError('later'))", "TypeError: later"),
        ("(() => { throw 'a text' })()", "a text"),
        ("1 +", "SyntaxError: Unexpected end of input"),
    ):
        with pytest.raises(PageError) as raised:
            await page.evaluate(throws)
        assert str(raised.value).splitlines()[0] == text


async def test_what_is_no_json_is_refused(chromium: Chromium) -> None:
    page = await chromium.open("about:blank")
    for expression in ("1 / 0", "10n", "window"):
        with pytest.raises(ChromiumError):
            await page.evaluate(expression)


async def test_until_waits_for_the_page(chromium: Chromium) -> None:
    page = await chromium.open("about:blank")
    await page.evaluate("void setTimeout(() => { window.answer = 42 })")
    assert await page.until("window.answer") == 42


async def test_the_console_is_seen(start_service: StartService, chromium: Chromium) -> None:
    url = await start_service(sandbox=True)
    page = await chromium.open(f"{url}/livez")
    await page.evaluate("console.log('one', 2)")
    await page.evaluate("console.error('bad')")
    await page.evaluate("void setTimeout(() => { throw new Error('nobody caught') })")
    await page.evaluate("fetch('/no/such/route')")
    await eventually(lambda: any("/no/such/route" in message.text for message in page.console))
    await eventually(lambda: any("nobody caught" in message.text for message in page.console))
    assert Message("log", "one 2") in page.console
    assert Message("error", "bad") in page.console
    assert {message.level for message in page.console if message.text != "one 2"} == {"error"}


async def test_a_request_that_leaves_the_origin_is_seen_and_arrives_nowhere(
    start_service: StartService, chromium: Chromium
) -> None:
    url = await start_service(sandbox=True)
    page = await chromium.open(f"{url}/livez")
    failed = "TypeError: Failed to fetch"
    assert await page.evaluate("fetch('http://elsewhere.test/page').catch(String)") == failed
    # An address is no name, and yet it is not reached.
    assert await page.evaluate("fetch('http://192.0.2.1/page').catch(String)") == failed
    assert failed == await page.evaluate("""new Promise(resolve => {
        const code = "fetch('http://elsewhere.test/worker').catch(String).then(postMessage)"
        const worker = new Worker(URL.createObjectURL(new Blob([code])))
        worker.onmessage = event => resolve(event.data)
    })""")
    await page.evaluate("""new Promise(resolve => {
        const frame = document.createElement('iframe')
        frame.srcdoc = `<img src="http://elsewhere.test/frame">`
        frame.onload = resolve
        document.body.append(frame)
    })""")
    outside = [each for each in page.requests if not each.startswith((url, f"blob:{url}"))]
    assert outside == [
        "http://elsewhere.test/page",
        "http://192.0.2.1/page",
        "http://elsewhere.test/worker",
        "http://elsewhere.test/frame",
    ]


async def test_pages_are_apart(start_service: StartService, chromium: Chromium) -> None:
    url = await start_service(sandbox=True)
    first, second = await chromium.open(f"{url}/livez"), await chromium.open(f"{url}/readyz")
    await first.evaluate("console.log(window.mine = 'first')")
    assert await second.evaluate("window.mine") is None
    await first.close()
    assert await second.evaluate("document.body.innerText") == "ok"
    assert Message("log", "first") in first.console
    assert Message("log", "first") not in second.console
    assert f"{url}/livez" not in second.requests


async def test_a_closed_page_answers_no_more(chromium: Chromium) -> None:
    page = await chromium.open("about:blank")
    waiting = asyncio.create_task(page.evaluate("new Promise(() => {})"))
    await page.evaluate("'the one before has arrived'")
    await page.close()
    with pytest.raises(ChromiumError):
        await page.evaluate("1")
    with pytest.raises(ChromiumError):
        await waiting


async def test_a_document_that_does_not_load_is_an_error(chromium: Chromium) -> None:
    with pytest.raises(ChromiumError, match="ERR_NAME_NOT_RESOLVED"):
        await chromium.open("http://elsewhere.test/")


async def test_nothing_of_it_is_left() -> None:
    async with Chromium() as browser:
        await browser.open("about:blank")
        assert len(processes_of(browser.pid, browser.folder)) > 1
        assert browser.folder.is_dir()
    assert processes_of(browser.pid, browser.folder) == []
    assert not browser.folder.exists()


async def test_nothing_of_it_is_left_when_it_dies_by_itself() -> None:
    async with Chromium() as browser:
        page = await browser.open("about:blank")
        os.kill(browser.pid, signal.SIGKILL)
        with pytest.raises(ChromiumError):
            await page.evaluate("new Promise(() => {})")
    assert processes_of(browser.pid, browser.folder) == []
    assert not browser.folder.exists()


async def test_a_machine_without_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert find_program() is None
    with pytest.raises(ChromiumError, match=HOW_TO_INSTALL):
        async with Chromium():
            pass
