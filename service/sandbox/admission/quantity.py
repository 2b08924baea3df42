"""Kubernetes' quantities, such as 100m, 1.5Gi or 1e3, and the one way in which each is written.

https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal, localcontext
from types import MappingProxyType

_FORM = re.compile(r"([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_EXPONENT = re.compile(r"[eE][-+]?[0-9]{1,3}")
_WRONG_FORM = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"

_BINARY = MappingProxyType(
    {suffix: 2 ** (10 * n) for n, suffix in enumerate(("Ki", "Mi", "Gi", "Ti", "Pi", "Ei"), 1)}
)
_DECIMAL = MappingProxyType({"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18})
_DECIMAL_SUFFIXES = MappingProxyType({exponent: suffix for suffix, exponent in _DECIMAL.items()})
_DIGITS = 100
_LONGEST_NUMBER = 60
_MOST = Decimal(2**63 - 1)


@dataclass(frozen=True, slots=True)
class Quantity:
    """An amount.

    Attributes:
        value: how much.
        suffix: that of the text it was read from, which decides in which family of suffixes it is written.
    """

    value: Decimal
    suffix: str

    @classmethod
    def parse(cls, text: str) -> "Quantity":
        """Read a quantity; what is finer than a nano-unit is rounded away from zero.

        Raises:
            ValueError: the text is not a quantity; the message is the apiserver's.
        """
        form = _FORM.fullmatch(text)
        if form is None:
            raise ValueError(_WRONG_FORM)
        if not _NUMBER.fullmatch(form[1]) or len(form[1]) > _LONGEST_NUMBER:
            raise ValueError("unable to parse numeric part of quantity")
        with localcontext() as context:
            context.prec = _DIGITS
            number, suffix = Decimal(form[1]), form[2]
            if suffix in _BINARY:
                value = number * _BINARY[suffix]
            elif suffix in _DECIMAL:
                value = number.scaleb(_DECIMAL[suffix])
            elif _EXPONENT.fullmatch(suffix):
                value = number.scaleb(int(suffix[1:]))
            else:
                raise ValueError("unable to parse quantity's suffix")
        if suffix in _BINARY:
            value = max(-_MOST, min(value, _MOST))
        return cls(value, suffix)._rounded(-9)

    def in_milli(self) -> "Quantity":
        """Return it rounded up to a thousandth, as the apiserver defaults the amounts of resources."""
        return self._rounded(-3)

    def __str__(self) -> str:
        if self.suffix in _BINARY and abs(self.value) >= 1024 and self.value == self.value.to_integral_value():
            return self._binary()
        mantissa, exponent = self._mantissa()
        if _EXPONENT.fullmatch(self.suffix):
            return f"{mantissa}e{exponent}" if exponent else str(mantissa)
        return f"{mantissa}{_DECIMAL_SUFFIXES.get(exponent, f'e{exponent}')}"

    def _rounded(self, exponent: int) -> "Quantity":
        with localcontext() as context:
            context.prec = _DIGITS
            if self.value == self.value.to_integral_value():
                return self
            return Quantity(self.value.quantize(Decimal(1).scaleb(exponent), ROUND_UP), self.suffix)

    def _binary(self) -> str:
        amount, suffix = int(self.value), ""
        for larger in _BINARY:
            if amount % 1024:
                break
            amount, suffix = amount // 1024, larger
        return f"{amount}{suffix}"

    def _mantissa(self) -> tuple[int, int]:
        sign, digits, exponent = self.value.normalize().as_tuple()
        if not self.value or not isinstance(exponent, int):
            return 0, 0
        mantissa = int("".join(map(str, digits))) * 10 ** (exponent % 3)
        return -mantissa if sign else mantissa, exponent - exponent % 3
