"""Units of money: which rows of a table are in money, in which currency, and what factors are in.

Only a unit that is surely money counts: a scale and a currency of ISO 4217 ("M.EUR", "million
USD"), or a euro or US dollar in other letters. TOE has three capitals and is none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from carbonflows_fast._base.arrays import BoolArray
from carbonflows_fast._base.wording import MASSES, SAME_MASSES
from carbonflows_fast.errors import InputError, Phrase, shorten

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Money", "currency_code", "factor_unit", "money_of"]

_CODES = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP
    BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
    GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS
    KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LTL LVL LYD MAD MDL MGA MKD MMK MNT MOP MRU
    MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD
    RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY
    TTD TWD TZS UAH UGX USD UYU UZS VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL
"""
CURRENCIES = frozenset(_CODES.split())
OTHER_LETTERS = {"euro": "EUR", "euros": "EUR", "€": "EUR", "us$": "USD", "$": "USD"}
SCALES = {"": 0} | dict.fromkeys(("k", "thousand", "1000", "1,000"), 3)
SCALES |= dict.fromkeys(("m", "mn", "mln", "mio", "million", "millions", "1000000"), 6)
SCALES |= dict.fromkeys(("bn", "b", "billion", "billions"), 9)
WORDS = {0: "", 3: "thousand ", 6: "million ", 9: "billion "}
_SCALE = "|".join(re.escape(scale) for scale in sorted(SCALES, key=len, reverse=True))
_CURRENCY = r"[a-z]{3}|euros?|€|us\$|\$"
_UNITS = (
    re.compile(rf"(?P<scale>{_SCALE})[ .]*(?P<currency>{_CURRENCY})", re.IGNORECASE),
    re.compile(rf"(?P<currency>{_CURRENCY}) +(?P<scale>{_SCALE})[.]?", re.IGNORECASE),
)
ENERGIES = ("J", "kJ", "MJ", "GJ", "TJ", "PJ", "EJ")


def currency_code(text: str) -> str:
    """Return the code of a currency; a text that is none comes back as it is.

    >>> currency_code(" eur"), currency_code("€"), currency_code("TOE")
    ('EUR', 'EUR', 'TOE')
    """
    plain = text.strip()
    return OTHER_LETTERS.get(plain.casefold(), plain.upper())


def unit_of_money(unit: str) -> tuple[str, int] | None:
    """Return currency and power of ten of a unit, or None where it is not surely money.

    >>> unit_of_money("M.EUR"), unit_of_money("thousand USD"), unit_of_money("TJ")
    (('EUR', 6), ('USD', 3), None)
    """
    for pattern in _UNITS:
        found = pattern.fullmatch(unit.strip())
        code = currency_code(found["currency"]) if found else ""
        if found and code in CURRENCIES:
            return code, SCALES[found["scale"].casefold()]
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Money:
    """The money of a table.

    Attributes
    ----------
    currency : str
        Of all rows in money.
    powers : ndarray of int, shape (n,)
        A row is in 10 to this power of it.
    known : ndarray of bool, shape (n,)
        Which rows are in money.
    units : tuple of str
        What the units of other rows are.
    """

    currency: str
    powers: npt.NDArray[np.int64]
    known: BoolArray
    units: tuple[str, ...]


def money_of(table: Table) -> Money:
    """Return the currency of a table, and which rows are in money.

    Raises
    ------
    InputError
        If no row has a known unit of money, or if rows have two currencies.
    """
    p = table.content
    units = [unit_of_money(unit) for unit in p.row_units]
    others = tuple(unit or "no unit" for unit, found in zip(p.row_units, units) if not found)
    found = sorted({one[0] for one in units if one})
    if not found:
        raise InputError.about(
            "table",
            expected="rows in a unit of money, e.g. M.EUR",
            got=f"rows in {shorten(others)}",
            remedy=Phrase.in_python("say it with table.with_changes(row_units='M.EUR')"),
        )
    if len(found) > 1:
        raise InputError.about(
            "table",
            expected="rows in one currency",
            got=" and ".join(found),
            remedy="convert its rows to one of them first",
        )
    powers = np.array([one[1] if one else 0 for one in units], dtype=np.int64)
    known = np.array([one is not None for one in units], dtype=np.bool_)
    return Money(found[0], powers[p.row_unit_codes], known[p.row_unit_codes], others)


def factor_unit(unit: str, power: int, currency: Any) -> str:
    """Return what a stressor per 10^power of a currency is in, without changing a number.

    >>> factor_unit("kt CO2-eq", 6, "EUR"), factor_unit("persons", 3, "USD")
    ('kg CO2-eq/EUR', 'persons/thousand USD')
    """
    first, _, rest = unit.partition(" ")
    for ladder in (MASSES, ENERGIES):
        name = SAME_MASSES.get(first, first)
        if name in ladder and ladder.index(name) * 3 >= power:
            smaller = ladder[ladder.index(name) - power // 3]
            return f"{smaller} {rest}".rstrip() + f"/{currency}"
    return f"{unit or '1'}/{WORDS[power]}{currency}"
