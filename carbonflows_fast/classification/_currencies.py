"""Units of money: a scale and a currency.

Only a unit that is surely money counts: a scale and a currency of ISO 4217 ("M.EUR", "million
USD"), or a euro or US dollar in other letters. TOE has three capitals and is none.
"""

from __future__ import annotations

import re

__all__ = ["CURRENCIES", "currency_code", "unit_of_money"]

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
_SCALE = "|".join(re.escape(scale) for scale in sorted(SCALES, key=len, reverse=True))
_CURRENCY = r"[a-z]{3}|euros?|€|us\$|\$"
_UNITS = (
    re.compile(rf"(?P<scale>{_SCALE})[ .]*(?P<currency>{_CURRENCY})", re.IGNORECASE),
    re.compile(rf"(?P<currency>{_CURRENCY}) +(?P<scale>{_SCALE})[.]?", re.IGNORECASE),
)


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
