"""What somebody does at a page: the browser gets it as from a mouse and a keyboard."""

import json

from tests.browser.chromium import Page

_KEYS = {"Tab": (9, ""), "Enter": (13, "\r")}
# The middle of an element, once it is there, nothing covers it, and it no longer moves.
_PLACE = """(async selector => {
    const place = () => {
        const found = document.querySelector(selector)
        if (!found) return null
        found.scrollIntoView({block: "center", behavior: "instant"})
        const {x, y, width, height} = found.getBoundingClientRect()
        const middle = [x + width / 2, y + height / 2]
        const top = document.elementFromPoint(...middle)
        return top && found.contains(top) ? middle : null
    }
    const before = place()
    await new Promise(requestAnimationFrame)
    const now = place()
    return before && now && before.join() === now.join() ? now : null
})"""


async def click(page: Page, selector: str) -> None:
    """Wait for an element, and click on its middle.

    Raises:
        TimeoutError: there is none, something covers it, or it never stands still.
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
