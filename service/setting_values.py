"""What the text of a setting may be, and what it is read as; a ValueError says what is wrong with it."""

import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

from service.dns_names import is_label


@dataclass(frozen=True, slots=True)
class Address:
    """A TCP address to listen on; port 0 takes a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return is_loopback(self.host)


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine's loopback; of names, only localhost is known to be."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address(text: str) -> Address:
    """Read HOST:PORT, where the host of IPv6 may be in brackets."""
    host, separator, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not separator or not host or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8080 or [::]:8080")
    return Address(host, int(port))


def namespaces(text: str) -> tuple[str, ...]:
    """Read names that are joined by commas, each a DNS-1123 label."""
    names = tuple(text.split(","))
    if not all(map(is_label, names)):
        raise ValueError(f"{text!r} is not a list of namespaces such as team-a,team-b")
    return names


def seconds(minimum: float, maximum: float) -> Callable[[str], float]:
    """Return what reads a number of seconds between two bounds."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not minimum <= value <= maximum:
            raise ValueError(f"{text!r} is not a number of seconds from {minimum:g} to {maximum:g}")
        return value

    return parse


def whole(minimum: int, maximum: int) -> Callable[[str], int]:
    """Return what reads a whole number between two bounds."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text) or not minimum <= int(text) <= maximum:
            raise ValueError(f"{text!r} is not a whole number from {minimum} to {maximum}")
        return int(text)

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """Return what takes one of some texts."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{text!r} is none of {', '.join(choices)}")
        return text

    return parse


def boolean(text: str) -> bool:
    """Read true, false, 1 or 0."""
    if text not in {"true", "false", "1", "0"}:
        raise ValueError(f"{text!r} is none of true, false, 1, 0")
    return text in {"true", "1"}


def not_empty(text: str) -> str:
    """Take any text but the empty one."""
    if not text:
        raise ValueError("it is empty")
    return text
