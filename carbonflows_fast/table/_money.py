"""Units of money, such as M.EUR or million USD."""

from __future__ import annotations

import re

__all__ = ["money_of"]

_SIZES = {
    0: "",
    3: "1000 k th thousand",
    6: "m mio mn mill million millions",
    9: "bn b billion billions",
}
_POWER_OF = {word: power for power, words in _SIZES.items() for word in words.split()}
_SIGNS = {"€": "EUR", "$": "USD", "US$": "USD", "USD": "USD", "EUR": "EUR", "EURO": "EUR"}
_MONEY = re.compile(
    r"(?P<size>1000|[a-z]*?)[ ._]*(?:of )?(?P<currency>US\$|€|\$|EURO|[A-Z]{3})", re.I
)


def money_of(unit: str) -> tuple[int, str] | None:
    """Return k and the currency where a unit is ten to the k of it; None if it is no money.

    Examples
    --------
    >>> money_of("M.EUR"), money_of("million USD"), money_of("1000 US$"), money_of("TJ")
    ((6, 'EUR'), (6, 'USD'), (3, 'USD'), None)
    """
    found = _MONEY.fullmatch(unit.strip())
    if not found:
        return None
    size, currency = found["size"].lower(), found["currency"]
    if size and size not in _POWER_OF:
        return None
    known = _SIGNS.get(currency.upper())
    if known is None and not currency.isupper():
        return None
    return _POWER_OF.get(size, 0), known or currency
