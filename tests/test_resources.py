"""Names are checked before a URL is built, and what passes cannot leave its place in the path."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from service.errors import BadRequest
from service.resources import JOBS, Resource, check_name, check_namespace

# Letters that a path gives a meaning to, among those that names are made of.
_TRICKY = st.text(st.sampled_from("ab0-._~/\\%:?#&=+@ \t\r\n\0;,'\"A\u0131\u2024\uff0e\U0001f600"), max_size=70)
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")


@given(st.one_of(_TRICKY, st.text()))
def test_a_name_that_passes_is_one_segment_of_the_path_that_is_asked_for(name: str) -> None:
    try:
        checked = check_name(name)
    except BadRequest:
        return
    assert _SUBDOMAIN.match(checked)
    url = URL("https://apiserver" + JOBS.path("default", checked), encoded=True)
    assert url.raw_parts == ("/", "apis", "batch", "v1", "namespaces", "default", "jobs", name)


@given(st.one_of(_TRICKY, st.text()))
def test_a_namespace_that_passes_has_neither_dot_nor_slash(namespace: str) -> None:
    try:
        checked = check_namespace(namespace)
    except BadRequest:
        return
    assert re.fullmatch(r"[a-z0-9-]{1,63}", checked)


@given(st.from_regex(_SUBDOMAIN).map(lambda name: name[:253].strip(".-")).filter(_SUBDOMAIN.match))
def test_every_dns_1123_subdomain_is_a_name(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize("value", ["", ".", "..", "a..b", "-a", "a-", "A", "a_b", "a\n", "a" * 64])
def test_what_is_no_label_is_refused_and_shown(value: str) -> None:
    with pytest.raises(BadRequest, match=r"namespace .* is not a DNS-1123 label"):
        check_namespace(value)


def test_a_long_value_is_not_shown_whole() -> None:
    with pytest.raises(BadRequest) as refused:
        check_name("A" * 100_000)
    assert len(refused.value.message) < 300


def test_paths_are_those_of_the_apiserver() -> None:
    assert JOBS.path() == "/apis/batch/v1/jobs"
    assert JOBS.path("a") == "/apis/batch/v1/namespaces/a/jobs"
    assert JOBS.path("a", "b.c") == "/apis/batch/v1/namespaces/a/jobs/b.c"
    assert Resource(group="", version="v1", plural="pods").path("a") == "/api/v1/namespaces/a/pods"
