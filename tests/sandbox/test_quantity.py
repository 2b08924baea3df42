"""Quantities are written as the apiserver writes them."""

import pytest

from service.sandbox.admission.quantity import Quantity


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("0", "0"),
        ("1", "1"),
        ("1000m", "1"),
        ("1500m", "1500m"),
        ("0.5", "500m"),
        ("1000", "1k"),
        ("1500", "1500"),
        ("12E2", "1200"),
        ("1e3", "1e3"),
        ("0.5Gi", "512Mi"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("512Ki", "512Ki"),
        ("0.5Ki", "512"),
        ("-1Gi", "-1Gi"),
        ("1n", "1n"),
        ("0.1n", "1n"),
        ("1.7Ki", "1740800m"),
        ("16Ei", "9223372036854775807"),
    ],
)
def test_a_quantity_has_one_way_to_be_written(text: str, written: str) -> None:
    assert str(Quantity.parse(text)) == written


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "regular expression"),
        ("abc", "regular expression"),
        ("1 Gi", "regular expression"),
        ("1.2.3", "numeric part"),
        ("1KiB", "regular expression"),
        ("1KK", "suffix"),
    ],
)
def test_what_is_no_quantity_is_refused_in_the_apiservers_words(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Quantity.parse(text)


def test_the_amount_of_a_resource_is_rounded_up_to_a_thousandth() -> None:
    assert str(Quantity.parse("0.0001").in_milli()) == "1m"
