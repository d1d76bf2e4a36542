"""The published figures of the study that the report follows; they are only here.

All are of Carbon Trust (2011), International Carbon Flows, and describe CO2 in 2004.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["CLAIMS", "COUNTRIES", "NET_IMPORTS", "SOURCE", "YEAR", "Claim"]

SOURCE: Final = "Carbon Trust (2011), International Carbon Flows"
YEAR: Final = 2004


class Claim(NamedTuple):
    """A question of the study, and its answer in the study's words."""

    question: str
    answer: str


CLAIMS: Final = {
    "traded": Claim(
        "Emissions that cross a border, of all emissions", "about 25\N{NO-BREAK SPACE}%"
    ),
    "commodities": Claim(
        "Commodities, of commodities and products that cross a border", "about half"
    ),
    "exporter": Claim(
        "China: emissions for other countries, of what it emits", "about 23\N{NO-BREAK SPACE}%"
    ),
    "clothing": Claim(
        "Clothing: emitted in another country than the one that consumes", "over half"
    ),
    "aluminium": Claim(
        "Aluminium consumed in Europe: emitted where the EU emissions trading "
        "system has a price on carbon",
        "about a third",
    ),
}
# Consumption less production, over production, in per cent, by ISO 3166 alpha-3.
NET_IMPORTS: Final = {"GBR": 34, "DEU": 29, "JPN": 19, "USA": 13, "FRA": 43, "SWE": 61}
COUNTRIES: Final = frozenset({"CHN", *NET_IMPORTS})
