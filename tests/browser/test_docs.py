"""The page to read and try the API, in a real browser: by mouse, by keyboard, on a phone, with a token."""

import json
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from tests.browser.chromium import REBOUND, Chromium, Page
from tests.browser.user import click, hold_phone, press, write
from tests.cache.conftest import StartFront, front
from tests.callers import Caller
from tests.conftest import StartService
from tests.contract.manifests import suspended
from tests.contract.paths import job, jobs
from tests.upstream import Received, json_answer

__all__ = ["front"]
pytestmark = pytest.mark.browser

COLLECTION = "/api/v1/_raw/job/namespace/{namespace}"
ONE = f"{COLLECTION}/name/{{name}}"
CREATE, LIST = ("post", COLLECTION), ("get", COLLECTION)
GET, DELETE = ("get", ONE), ("delete", ONE)
PHONE = (390, 844)


def block(operation: tuple[str, str], inside: str = "") -> str:
    """Return the selector of an operation's box, or of something in it."""
    method, path = operation
    return f'.opblock-{method}:has(.opblock-summary-path[data-path="{path}"]) {inside}'.rstrip()


async def opened(chromium: Chromium, url: str) -> Page:
    """Open the page, and wait until it has shown the document."""
    page = await chromium.open(url)
    await shown(page, block(CREATE))
    return page


async def shown(page: Page, selector: str) -> None:
    await page.until(f"document.querySelector({json.dumps(selector)}) !== null")


async def fill(page: Page, operation: tuple[str, str], **values: str) -> None:
    for name, value in values.items():
        field = block(operation, f'tr[data-param-name="{name}"] input')
        await click(page, field)
        await page.until(f"document.activeElement.matches({json.dumps(field)})")
        await page.evaluate("document.activeElement.select()")
        await write(page, value)


async def execute(page: Page, operation: tuple[str, str], **values: str) -> int:
    """Open an operation with the mouse, fill it in, execute it, and return the code that is shown."""
    await click(page, block(operation, ".opblock-summary-control"))
    await fill(page, operation, **values)
    await click(page, block(operation, ".execute"))
    return await code_of(page, operation)


async def code_of(page: Page, operation: tuple[str, str]) -> int:
    cell = json.dumps(block(operation, ".live-responses-table tr.response td.response-col_status"))
    return int(await page.until(f"document.querySelector({cell})?.innerText.trim().split(/\\s/)[0]"))


async def body_of(page: Page, operation: tuple[str, str]) -> str:
    body = json.dumps(block(operation, ".live-responses-table .highlight-code"))
    return str(await page.evaluate(f"document.querySelector({body}).innerText"))


def asked(page: Page, path: str) -> list[str]:
    """Return the page's requests for a path, whatever their query."""
    return [each for each in page.requests if not each.startswith("data:") and URL(each).path == path]


def strangers(page: Page) -> list[str]:
    """Return what the page has asked for elsewhere; what an address holds itself is asked for nowhere."""
    here = URL(page.requests[0]).origin()
    return [each for each in page.requests if not each.startswith("data:") and URL(each).origin() != here]


@pytest.fixture
async def url(start_service: StartService) -> str:
    return await start_service(sandbox=True)


async def test_a_job_is_created_read_and_deleted_by_clicking_and_nothing_leaves_the_origin(
    url: str, chromium: Chromium
) -> None:
    page = await opened(chromium, f"{url}/docs")
    assert await execute(page, CREATE, namespace="clicked") == 201
    assert await execute(page, GET, namespace="clicked", name="sleep1") == 200
    assert '"name": "sleep1"' in await body_of(page, GET)
    assert await execute(page, DELETE, namespace="clicked", name="sleep1") == 200
    assert len(asked(page, jobs("clicked"))) == 1
    assert page.console == []
    assert strangers(page) == []
    assert len(asked(page, job("clicked", "sleep1"))) == 2


async def focus(page: Page, selector: str) -> None:
    """Press Tab until an element has the focus, which is to be seen wherever it is meanwhile."""
    seen, reached = 0, False
    while not reached:
        await press(page, "Tab")
        seen += 1
        assert seen < 100, f"Tab does not lead to {selector}"
        outlined, reached = await page.evaluate(
            f"""(element => [
                element === document.body || getComputedStyle(element).outlineStyle !== "none",
                element.matches({json.dumps(selector)})
            ])(document.activeElement)"""
        )
        assert outlined, await page.evaluate("document.activeElement.outerHTML")


async def test_a_job_is_created_with_the_keyboard_alone(url: str, chromium: Chromium) -> None:
    page = await opened(chromium, f"{url}/docs")
    await focus(page, block(CREATE, ".opblock-summary-control"))
    await press(page, "Enter")
    await shown(page, block(CREATE, ".execute"))
    await focus(page, block(CREATE, 'tr[data-param-name="namespace"] input'))
    await page.evaluate("document.activeElement.select()")
    await write(page, "typed")
    await focus(page, block(CREATE, ".execute"))
    await press(page, "Enter")
    assert await code_of(page, CREATE) == 201
    assert asked(page, jobs("typed"))
    assert page.console == []


async def widest(page: Page) -> int:
    """Return how far the page reaches; innerWidth would not tell, as a phone zooms out until all of it is seen."""
    return int(await page.evaluate("document.documentElement.scrollWidth"))


async def test_on_a_phone_nothing_is_wider_than_the_screen(url: str, chromium: Chromium, tmp_path: Path) -> None:
    page = await chromium.open("about:blank")
    await hold_phone(page, *PHONE)
    await page.goto(f"{url}/")
    assert await widest(page) <= PHONE[0]
    await page.goto(f"{url}/docs")
    await shown(page, block(CREATE))
    assert await widest(page) <= PHONE[0]
    for operation, name, code in ((CREATE, {}, 201), (GET, {"name": "sleep1"}, 200), (LIST, {}, 200)):
        assert await execute(page, operation, namespace="phoned", **name) == code
        assert await widest(page) <= PHONE[0], operation
    assert page.console == []


async def test_of_a_watch_the_page_shows_what_came_in_a_while(
    url: str, chromium: Chromium, http_client: aiohttp.ClientSession
) -> None:
    api = Caller(http_client, url, {})
    assert (await api("POST", jobs("watched"), suspended("there"))).status == 201
    page = await opened(chromium, f"{url}/docs")
    await click(page, block(LIST, ".opblock-summary-control"))
    await fill(page, LIST, namespace="watched")
    watch = block(LIST, 'tr[data-param-name="watch"] select')
    await shown(page, watch)
    await page.evaluate(
        f"""(list => {{
            list.value = "true"
            list.dispatchEvent(new Event("change", {{bubbles: true}}))
        }})(document.querySelector({json.dumps(watch)}))"""
    )
    await click(page, block(LIST, ".execute"))
    assert await code_of(page, LIST) == 200
    assert '"type":"ADDED"' in (await body_of(page, LIST)).replace(" ", "")
    assert page.console == []


async def test_where_any_name_is_good_it_works_without_what_a_browser_says_on_loopback_only(
    start_service: StartService, chromium: Chromium
) -> None:
    # No Sec-Fetch-Site here, for the origin is neither https nor a loopback's: Origin has to say it.
    port = URL(await start_service(sandbox=True, allow_unauthenticated=True)).port
    page = await opened(chromium, f"http://{REBOUND}:{port}/docs")
    assert await execute(page, CREATE, namespace="named") == 201
    assert strangers(page) == []


async def test_the_token_goes_to_the_api_alone_and_is_forgotten_with_the_page(
    front: StartFront, chromium: Chromium
) -> None:
    async def answer(_: Received) -> bytes:
        return json_answer(200, b'{"kind":"Job"}\n')

    service = await front(answer, token="the-services-own", auth_mode="passthrough")
    page = await opened(chromium, f"{service.api.url}/docs")
    assert await execute(page, GET, namespace="default", name="one") == 401
    before = len(page.requests)
    await click(page, ".scheme-container .authorize")
    await click(page, ".modal-ux input")
    await write(page, "secret-of-ann")
    await click(page, ".modal-ux .auth-btn-wrapper .authorize")
    await click(page, ".modal-ux .auth-btn-wrapper .btn-done")
    await click(page, block(GET, ".execute"))
    cell = json.dumps(block(GET, ".live-responses-table tr.response td.response-col_status"))
    await page.until(f"document.querySelector({cell})?.innerText.startsWith('200')")
    assert [each.headers["Authorization"] for each in service.upstream.received] == ["Bearer secret-of-ann"]
    assert [each for each in page.requests[before:] if not each.startswith("data:")] == [
        service.api.url + job("default", "one")
    ]
    assert await page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
    await page.goto(f"{service.api.url}/docs")
    await shown(page, block(CREATE))
    assert await execute(page, GET, namespace="default", name="one") == 401
