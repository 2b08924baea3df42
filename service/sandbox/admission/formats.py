"""The forms of names, and what the apiserver says of a text that does not have them.

https://github.com/kubernetes/apimachinery/blob/v0.36.3/pkg/util/validation/validation.go and
pkg/api/validate/content. Each function returns the problems of a text, none if it is well-formed.
"""

import re

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_KEY = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_VALUE = f"({_KEY})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"
_HEADER = "[-A-Za-z0-9]+"
_PATH = r"[A-Za-z0-9/\-._~%!$&'()*+,;=:]+"
_BOTH_ENDS = "must start and end with an alphanumeric character"
_KEY_PROBLEM = f"must consist of alphanumeric characters, '-', '_' or '.', and {_BOTH_ENDS}"
_LABEL_PROBLEM = (
    f"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and {_BOTH_ENDS}"
)
_SUBDOMAIN_PROBLEM = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
    f"{_BOTH_ENDS}"
)


def between(low: int, high: int) -> str:
    """Return what is said of a number outside a range."""
    return f"must be between {low} and {high}, inclusive"


def dns_label(text: str) -> list[str]:
    """A DNS-1123 label: a container's name."""
    problems = _longer(text, 63)
    if not re.fullmatch(_LABEL, text):
        dotted = re.fullmatch(_SUBDOMAIN, text)
        told = "must not contain dots" if dotted else _regex(_LABEL_PROBLEM, _LABEL, "my-name", "123-abc")
        problems.append(told)
    return problems


def dns_subdomain(text: str, unit: str = "characters") -> list[str]:
    """A DNS-1123 subdomain: an object's name."""
    problems = _longer(text, 253, unit)
    if not re.fullmatch(_SUBDOMAIN, text):
        problems.append(_regex(_SUBDOMAIN_PROBLEM, _SUBDOMAIN, "example.com"))
    return problems


def generate_name(text: str) -> list[str]:
    """The beginning of a generated name, which may end in a hyphen."""
    return dns_subdomain(f"{text[:-1]}a" if len(text) > 1 and text.endswith("-") else text)


def qualified_name(text: str) -> list[str]:
    """A label's key."""
    prefix, slash, name = text.rpartition("/")
    if "/" in prefix:
        told = _regex(_KEY_PROBLEM, _KEY, "MyName", "my.name", "123-abc")
        return [
            f"a valid label key {told} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    problems = []
    if slash and not prefix:
        problems.append("prefix part must be non-empty")
    elif slash:
        problems += [f"prefix part {problem}" for problem in dns_subdomain(prefix, "bytes")]
    if not name:
        problems.append("name part must be non-empty")
    problems += [f"name part {problem}" for problem in _longer(name, 63, "bytes")]
    if not re.fullmatch(_KEY, name):
        problems.append(f"name part {_regex(_KEY_PROBLEM, _KEY, 'MyName', 'my.name', '123-abc')}")
    return problems


def label_value(text: str) -> list[str]:
    """A label's value."""
    problems = _longer(text, 63, "bytes")
    if not re.fullmatch(_VALUE, text):
        problems.append(
            _regex(
                f"a valid label must be an empty string or {_KEY_PROBLEM[5:]}",
                _VALUE,
                "MyValue",
                "my_value",
                "12345",
            )
        )
    return problems


def port_name(text: str) -> list[str]:
    """A port's name, https://www.rfc-editor.org/rfc/rfc6335.html#section-5.1."""
    rules = (
        (
            re.fullmatch("[-a-z0-9]+", text),
            "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ),
        (re.search("[a-z]", text), "must contain at least one letter (a-z)"),
        ("--" not in text, "must not contain consecutive hyphens"),
        (not text.startswith("-") and not text.endswith("-"), "must not begin or end with a hyphen"),
    )
    return _longer(text, 15) + [problem for kept, problem in rules if not kept]


def port_number(number: int) -> list[str]:
    """A port's number."""
    return [] if 1 <= number <= 65535 else [between(1, 65535)]


def env_var_name(text: str) -> list[str]:
    """An environment variable's name."""
    if all(" " <= character <= "~" and character != "=" for character in text):
        return []
    return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]


def config_map_key(text: str) -> list[str]:
    """A key of a ConfigMap or a Secret."""
    problems = _longer(text, 253)
    if not re.fullmatch(_CONFIG_KEY, text):
        told = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        problems.append(_regex(told, _CONFIG_KEY, "key.name", "KEY_NAME", "key-name"))
    if text in (".", ".."):
        problems.append(f"must not be '{text}'")
    elif text.startswith(".."):
        problems.append("must not start with '..'")
    return problems


def http_header_name(text: str) -> list[str]:
    """A header's name."""
    if re.fullmatch(_HEADER, text):
        return []
    return [_regex("a valid HTTP header must consist of alphanumeric characters or '-'", _HEADER, "X-Header-Name")]


def http_path(text: str) -> list[str]:
    """The path of a domain-prefixed path."""
    return [] if re.fullmatch(_PATH, text) else [_regex("Invalid path", _PATH)]


def _longer(text: str, most: int, unit: str = "characters") -> list[str]:
    return [f"must be no more than {most} {unit}"] if len(text.encode()) > most else []


def _regex(problem: str, regex: str, *examples: str) -> str:
    given = " or ".join(f"'{example}', " for example in examples)
    inside = f"{'e.g. ' if given else ''}{given}regex used for validation is '{regex}'"
    return f"{problem} ({inside})"
