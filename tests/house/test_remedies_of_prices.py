"""What errors of carbon prices advise is done, and works."""

from __future__ import annotations

from typing import Any

from support.advice import Case, advice_tests
from support.worlds.three_regions import three_regions

import carbonflows_fast as cf

COVERED = ["prices/_carbon_price", "classification/_cbam"]
"""Modules whose every piece of advice has a case."""


def asked(table: dict[str, Any] | None = None, **options: Any) -> cf.PriceEffects:
    made = three_regions(**({"row_units": "M.EUR"} | (table or {})))
    return cf.carbon_price(made, **({"price": 80, "regions": "AA"} | options))


CASES = [
    Case(lambda: asked(price="80"), "give e.g. 80", lambda _: asked(price=80)),
    Case(lambda: asked({"row_units": ["M.EUR", "t", "t", "t", "t"]}),
         "take a table in money",
         lambda _: asked({"row_units": "M.EUR"})),
    Case(lambda: asked({"row_units": "TJ"}),
         "give the price in the table's own units with per='unit'",
         lambda _: asked({"row_units": "TJ"}, per="unit")),
    Case(lambda: asked(goods="goods"),
         "give border='direct' or rebate='direct', or leave goods out",
         lambda _: (asked(goods="goods", border="direct"), asked(goods="goods", rebate="direct"),
                    asked())),
    Case(lambda: asked(phase_in=2030),
         "give border='direct', or leave phase_in out",
         lambda _: (asked(phase_in=2030, border="direct"), asked())),
    Case(lambda: asked(goods="cbam", border="direct"),
         "name the sectors that pay at the border instead",
         lambda _: asked(goods=["goods"], border="direct")),
    Case(lambda: asked(phase_in=2025, border="direct"),
         "leave it out for the whole charge",
         lambda _: asked(border="direct")),
]  # fmt: skip

test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
