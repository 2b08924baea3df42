"""What somebody does at a page: the browser gets it as from a mouse and a keyboard."""

import asyncio
import base64
import json
from pathlib import Path

from tests.browser.chromium import Page

_KEYS = {"Tab": (9, ""), "Enter": (13, "\r")}
# The middle of an element, once it is shown and nothing covers it.
_PLACE = """(selector => {
    const found = document.querySelector(selector)
    if (!found) return null
    found.scrollIntoView({block: "center", behavior: "instant"})
    const {x, y, width, height} = found.getBoundingClientRect()
    const place = [x + width / 2, y + height / 2]
    const top = document.elementFromPoint(...place)
    return top && found.contains(top) ? place : null
})"""


async def click(page: Page, selector: str) -> None:
    """Wait for an element, and click on its middle.

    Raises:
        TimeoutError: there is none, or something covers it.
    """
    x, y = await page.until(f"{_PLACE}({json.dumps(selector)})")
    await page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    for kind in ("mousePressed", "mouseReleased"):
        await page.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)


async def press(page: Page, key: str) -> None:
    """Press Tab or Enter, and let go."""
    code, text = _KEYS[key]
    named = {"key": key, "code": key, "windowsVirtualKeyCode": code}
    await page.call("Input.dispatchKeyEvent", type="keyDown", text=text, **named)
    await page.call("Input.dispatchKeyEvent", type="keyUp", **named)


async def write(page: Page, text: str) -> None:
    """Put a text where the keyboard is, in place of what is selected."""
    await page.call("Input.insertText", text=text)


async def hold_phone(page: Page, width: int, height: int) -> None:
    """Show the page on a phone's screen, of so many CSS pixels."""
    await page.call(
        "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2, mobile=True
    )


async def photograph(page: Page, file: Path) -> None:
    """Write a picture of what the page shows, as PNG."""
    told = await page.call("Page.captureScreenshot", format="png")
    await asyncio.to_thread(file.write_bytes, base64.b64decode(told["data"]))
