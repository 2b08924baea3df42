"""What `helm test` runs: the service is ready, and lets in whom it should. Standard library only."""

import os
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

URL = os.environ["URL"]
JOBS = f"/api/v1/_raw/job/namespace/{os.environ['NAMESPACE']}"
TOKEN = Path(os.environ["TOKEN_FILE"])
CERTIFICATE = Path(os.environ["CERTIFICATE_FILE"])
TELLS_APART = os.environ["AUTH_MODE"] != "none"


def trust() -> ssl.SSLContext:
    """Trust the service's own certificate, whoever signed it and for whatever name; others as usual."""
    if not CERTIFICATE.exists():
        return ssl.create_default_context()
    context = ssl.create_default_context(cafile=str(CERTIFICATE))
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return context


def status(path: str, headers: dict[str, str]) -> int:
    """Return the status code of a GET."""
    request = urllib.request.Request(URL + path, headers=headers)  # noqa: S310 (the chart makes the URL)
    try:
        with urllib.request.urlopen(request, timeout=10, context=trust()) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def main() -> int:
    """Ask, print what comes, and return the exit code."""
    own = {"Authorization": f"Bearer {TOKEN.read_text().strip()}"}
    asked = [
        ("it is ready", "/readyz", {}, {200}),
        ("nobody is let in without a token", JOBS, {}, {401} if TELLS_APART else {200}),
        # Whether the account may list Jobs is the apiserver's to say; that its token is known is what counts.
        ("a token is known", JOBS, own, {200, 403} if TELLS_APART else {200}),
    ]
    failed = False
    for what, path, headers, expected in asked:
        code = status(path, headers)
        failed |= code not in expected
        print(f"{'ok' if code in expected else 'FAILED'}: {what}: GET {path} is {code}")  # noqa: T201
    return int(failed)


sys.exit(main())
