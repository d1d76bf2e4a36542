"""What errors about responsibility and trade advise is done, and works."""

from __future__ import annotations

from typing import Any

from support.advice import Case, advice_tests
from support.worlds.three_regions import three_regions

import carbonflows_fast as cf

COVERED = [
    "accounting/_per_head", "trade/_bilateral", "viewpoints/_enabled", "viewpoints/_responsibility",
]  # fmt: skip
"""Modules whose every piece of advice has a case."""


def mixed(**changes: Any) -> cf.Table:
    return three_regions(**({"row_units": ["M.EUR", "t", "t", "t", "t"]} | changes))


CASES = [
    Case(lambda: cf.accounts(three_regions(), per_head=1), "leave it out, or give True",  # type: ignore[arg-type]
         lambda _: (cf.accounts(three_regions()),
                    cf.accounts(three_regions(population={"AA": 1}), per_head=True))),
    Case(lambda: cf.enabled(mixed()), "take a table in money",
         lambda _: cf.enabled(mixed(row_units="M.EUR"))),
    Case(lambda: cf.flows(mixed()).trade(), r"take a table in money, or ask for (\w+)\(\)",
         lambda name: (cf.flows(mixed(row_units="M.EUR")).trade(),
                       getattr(cf.flows(mixed()), name)())),
    Case(lambda: cf.flows(three_regions()).trade("both"), "leave it out for both",
         lambda _: cf.flows(three_regions()).trade()),
    Case(lambda: cf.accounts(three_regions(), per_head=True),
         r"give them with table.with_changes\(population=…\), or leave per_head out",
         lambda _: (cf.accounts(three_regions().with_changes(population={"AA": 1}), per_head=True),
                    cf.accounts(three_regions()))),
    Case(lambda: cf.with_value_added(three_regions(), name="CO2"),
         "ask for the one that it has, or give another name",
         lambda _: (cf.accounts(three_regions(), "CO2"), cf.with_value_added(three_regions()))),
]  # fmt: skip

test_what_an_error_advises_works, test_every_piece_of_advice_has_a_case = advice_tests(
    COVERED, CASES
)
