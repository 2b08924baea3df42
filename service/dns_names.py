"""The two forms that names have in Kubernetes, of RFC 1123.

https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
"""

import re

LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
LABEL_LENGTH = 63
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
SUBDOMAIN_LENGTH = 253

_LABEL = re.compile(LABEL)
_SUBDOMAIN = re.compile(SUBDOMAIN)


def is_label(text: str) -> bool:
    """Tell whether a text is a DNS-1123 label, the form of a namespace."""
    return len(text) <= LABEL_LENGTH and _LABEL.fullmatch(text) is not None


def is_subdomain(text: str) -> bool:
    """Tell whether a text is a DNS-1123 subdomain, the form of a Job's name."""
    return len(text) <= SUBDOMAIN_LENGTH and _SUBDOMAIN.fullmatch(text) is not None
