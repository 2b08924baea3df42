"""The two forms that names have in Kubernetes, of RFC 1123.

https://kubernetes.io/docs/concepts/overview/working-with-objects/names/
"""

import re

_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_LABEL_LENGTH = 63
_SUBDOMAIN_LENGTH = 253


def is_label(text: str) -> bool:
    """Tell whether a text is a DNS-1123 label, the form of a namespace."""
    return len(text) <= _LABEL_LENGTH and _LABEL.fullmatch(text) is not None


def is_subdomain(text: str) -> bool:
    """Tell whether a text is a DNS-1123 subdomain, the form of a Job's name."""
    return len(text) <= _SUBDOMAIN_LENGTH and _SUBDOMAIN.fullmatch(text) is not None
