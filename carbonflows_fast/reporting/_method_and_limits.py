"""The sections on method, data and limits."""

from __future__ import annotations

import re

from carbonflows_fast import _core
from carbonflows_fast._base.wording import count, percent, power_of_ten
from carbonflows_fast.reporting._html import (
    Html,
    Section,
    amount,
    element,
    number,
    paragraph,
    section,
    terms,
    unbroken,
)
from carbonflows_fast.reporting._results import Results
from carbonflows_fast.reporting._stated_errors import assumed

__all__ = ["limits", "method"]

NEC = re.compile(r"\bn\.?e\.?c\b", re.IGNORECASE)
STATED = (
    "How good the data are is another question. The standard deviations in this report follow from "
    "errors that were stated for it, and are listed below. They hold as far as these do."
)
SOLVERS = {
    "gmres": "GMRES with block Gauss-Seidel sweeps",
    "gauss-seidel": "block Gauss-Seidel sweeps",
    "direct": "dense LU factorisation",
}


def method(results: Results) -> Section:
    """State the table, the stressor, the solver, the proved error and what is left over."""
    return section("method", "Method and data", *_method(results), _facts(results))


def _method(results: Results) -> list[Html]:
    return [
        paragraph(
            "The numbers come from a multi-regional input-output table: what every sector of every "
            "region buys from every other, and what final users buy. With x the output of a sector "
            "and F its emissions, s = F / x is emitted for a unit of output; A holds the inputs "
            "that a unit of output needs. What a region finally buys, y, needs the output that "
            "solves x = A x + y, through all suppliers of suppliers, and s x of that is emitted, "
            "region by region. So every final purchase is followed to where emissions happen, and "
            "nothing counts twice."
        ),
        paragraph(
            "Each solution comes with a bound on its error that is proved from its residual, "
            "rounding included. It is about the arithmetic, and says nothing about how good the "
            "table is."
        ),
        *([] if results.sure is None else [paragraph(STATED)]),
    ]


def _facts(results: Results) -> Html:
    flows, given, unit = results.flows, results.table, results.unit
    lost, emitted = (float(results.accounts[name].sum()) for name in ("unallocated", "production"))
    size = [
        count(len(given.regions), "region"),
        count(len(given.sectors), "sector"),
        f"{count(given.n, 'row')} (a sector of a region each)",
        f"{count(len(given.demand), 'column')} of final demand",
    ]
    solver = SOLVERS.get(flows.report.method, flows.report.method)
    passes = count(flows.report.passes, "pass", "passes")
    facts: dict[str, tuple[str, ...]] = {
        "Table": (given.name or "without a name",),
        "Year": ("not given" if given.year is None else str(given.year),),
        "Size": (", ".join(size),),
        **({"How it was read": (" ".join(given.notes),)} if given.notes else {}),
        "What is followed": (results.stressor, f", in {unit}" if unit else ""),
        "Proved error": (
            "no flow, and no sum of flows, is wrong by more than ",
            amount("error_bound", flows.error_bound, unit),
            *(
                [
                    ", or ",
                    _small("error_share", flows.error_bound / (abs(flows.total) or 1.0)),
                    " of industrial emissions",
                ]
                if not results.mixed
                else []
            ),
        ),
        "Solver": (f"{solver}, {passes} over A at most for a region",),
        "Unallocated": (
            amount("unallocated", lost, unit),
            _lost_share(lost, results.known(emitted), float(results.accounts.attrs["error_bound"])),
        ),
    }
    if results.chains is not None:
        facts["Chains not listed"] = (
            amount("remainder", results.chains.remainder, unit),
            " of industrial emissions",
        )
    if results.change is not None:
        causes, chains = results.change.causes, results.change.chains
        facts["Change"] = (
            f"{causes.label}, in {causes.prices}; all causes move along a straight line from one "
            "table to the other; the effects add up to the change but for ",
            _small("closure", causes.closure),
            f" of {causes.closure_of}",
        )
        if chains is not None:
            facts["Change"] += (
                "; chains that are not listed change by ",
                amount("change_remainder", float(chains.pruned.sum()), unit, sign=True),
            )
    if results.sure is not None:
        facts |= {head: (said,) for head, said in assumed(results.sure.errors).items()}
    facts["Library"] = (f"carbonflows_fast {_core.version}",)
    return terms(facts, "facts-list")


def _lost_share(lost: float, emitted: float, bound: float) -> str:
    if abs(lost) <= bound:
        return ", which is nothing within the proved error"
    said = " is caused by no final purchase in the table"
    if not emitted or emitted != emitted:
        return said
    part = percent(lost / emitted)
    less, part = ("less than ", "0.1 %") if part == percent(0.0) else ("", part)
    return f"{said}; that is {less}{unbroken(part)} of what does"


def _small(figure: str, value: float) -> Html:
    digits, _, power = f"{value:.1e}".partition("e")
    return number(figure, value, f"{digits} × {power_of_ten(int(power))}" if value else "0")


def limits(results: Results) -> Section:
    """Say what should not be read into the numbers."""
    items = [
        "Tables are compiled from statistics that disagree. A country's consumption account is "
        "uncertain by 10 to 20 per cent, a single flow or supply chain by more; the proved error "
        "above is about the arithmetic alone.",
        "A sector has one mix of products, one technology and one price for every buyer. Its "
        "average is used for each of its products.",
        "Money is used in place of goods: where prices differ between buyers, emissions follow the "
        "money.",
        "What is built now is used in later years. Investment counts here for the year and the "
        "region that makes it.",
        "The use of a product, such as washing clothes, is counted where its energy is bought, not "
        "with the product.",
        "Production follows the territory or the residents as the table's emission accounts do; "
        "these may differ from national inventories, above all in aviation and shipping.",
        "Which class a product has, and which sectors are taken for the subject of a study, are "
        "judgements; the classification that the library ships gives the reason for each. Codes in "
        "these reasons are those of the table's own classification.",
    ]
    if any(NEC.search(sector) for sector in results.table.content.sectors):
        items.append("In names of sectors, nec is what is not elsewhere classified.")
    return section("limits", "Limits", element("ul", *(element("li", item) for item in items)))
