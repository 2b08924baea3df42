"""Keeps pages of other sites out, where whoever reaches the service acts with its credentials.

A browser runs the pages of strangers on the user's own machine, where they reach its loopback ports. Two things
tell them apart from the user: the name by which they call (DNS rebinding is a stranger's name that is made to lead
here), and what the browser says of them (https://www.w3.org/TR/fetch-metadata/ and RFC 6454). What is no browser
says nothing of the kind, and is let in.
"""

import re

from multidict import MultiMapping

from service.errors import Forbidden, shown
from service.setting_values import is_loopback

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(:[0-9]{0,5})?", re.ASCII)
_OWN_SITES = ("same-origin", "none")  # none: the user's own doing, as with the address bar


def refuse_other_sites(method: str, headers: MultiMapping[str], *, any_host: bool) -> None:
    """Raise for a request that a page of another site may have made.

    It follows Go's net/http.CrossOriginProtection, with one difference: reads are refused too, except that somebody
    follows a link to here. Ports are sites of their own, and so are localhost and 127.0.0.1.

    Args:
        method: the HTTP method.
        headers: the request's headers, each as often as it came.
        any_host: whether the service may be called by any name, rather than by a loopback's only.

    Raises:
        Forbidden: the name is not a loopback's, or there is none; or the caller is a page of another site.
    """
    hosts = headers.getall("Host", [])
    if not any_host and not _name_loopback(hosts):
        name = shown(", ".join(hosts)) if hosts else "missing"
        raise Forbidden(
            f"Host is {name}, which is no name of this machine; call the service as localhost, 127.0.0.1 or [::1]"
        )
    if not _is_own(headers, hosts) and not _is_followed_link(method, headers):
        raise Forbidden(
            "a page of another site may not call this service (see Sec-Fetch-Site or Origin); use a page of the "
            "same origin, or a program that is no browser"
        )


def _name_loopback(hosts: list[str]) -> bool:
    if len(hosts) != 1 or (match := _HOST.fullmatch(hosts[0])) is None:
        return False
    return is_loopback(match[1].strip("[]").lower())


def _is_own(headers: MultiMapping[str], hosts: list[str]) -> bool:
    # A browser says it of every request to https or to a loopback, and no page can change it.
    if sites := headers.getall("Sec-Fetch-Site", []):
        return all(site in _OWN_SITES for site in sites)
    # An origin of no site (a file, a frame in a sandbox) is the text null. The scheme is not compared: the one that
    # the browser used is lost where TLS ends before the service.
    names = [origin.partition("://")[2].lower() for origin in headers.getall("Origin", [])]
    return all(name and [name] == [host.lower() for host in hosts] for name in names)


def _is_followed_link(method: str, headers: MultiMapping[str]) -> bool:
    """Whether it fills a tab of its own: nobody but the user sees the answer, and a read changes nothing."""
    return (
        method in {"GET", "HEAD"}
        and headers.getall("Sec-Fetch-Mode", []) == ["navigate"]
        and headers.getall("Sec-Fetch-Dest", []) == ["document"]
    )
