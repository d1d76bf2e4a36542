"""What ``carbonflows-fast factors`` and ``purchases`` take and show."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from carbonflows_fast._base.wording import Scale, count, scale_for
from carbonflows_fast.classification import regions_in
from carbonflows_fast.cli._errors import add_errors
from carbonflows_fast.cli._files import add_figure, path_of, write_out
from carbonflows_fast.cli._streams import say
from carbonflows_fast.cli._tables import given, pairs, rtol_of
from carbonflows_fast.cli._text import (
    measured,
    numbers,
    percent,
    say_columns,
    say_memberships,
    with_unit,
)
from carbonflows_fast.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from carbonflows_fast.spending import Purchases
    from carbonflows_fast.table import Table

__all__ = [
    "LEDGER",
    "add_factor_arguments",
    "add_ledger_arguments",
    "add_purchase_arguments",
    "find_factors",
    "find_purchases",
    "purchases_of",
    "show_factors",
    "show_purchases",
    "write_purchases",
]

LEDGER = (
    "CSV file or workbook of purchases: columns product (or category) and amount; region, currency "
    "and year if lines differ"
)
SHOWN = ("factor", "direct", "tier_1", "rest")
SAME_ERROR = 3  # lines that a reason names


def add_factor_arguments(parser: argparse.ArgumentParser) -> None:
    """Add which factors are wanted, and in which money."""
    parser.add_argument(
        "--products",
        metavar="[REGION:]SECTOR",
        action="append",
        help="which; may be repeated; 'REGION:' for all its sectors; default all",
    )
    _add_money(parser, "the money", ("basic", "purchaser", "both"))
    parser.add_argument(
        "--abroad", action="store_true", help="add the share emitted outside the product's region"
    )
    add_errors(parser, "add standard deviations, of at most 1,000 products")
    parser.set_defaults(demand=None)


def add_purchase_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the ledger, and how it is read."""
    parser.add_argument(
        "bought",
        metavar="LEDGER",
        type=path_of,
        help=LEDGER,
    )
    add_ledger_arguments(parser)
    parser.add_argument(
        "--price",
        metavar="REGIONS",
        action="append",
        help="regions with a carbon price, e.g. 'EU ETS 2009'; may be repeated",
    )
    add_figure(parser, "categories by emitting region")
    parser.set_defaults(demand=None)


def add_ledger_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how a ledger is read."""
    parser.add_argument(
        "--categories",
        metavar="FILE",
        type=path_of,
        help="what categories of LEDGER stand for: a CSV with columns category and product; weight "
        "if there are several",
    )
    parser.add_argument(
        "--buyer",
        metavar="REGION",
        help="products without a region come from where this one buys them; default from all "
        "regions, by output",
    )
    _add_money(parser, "lines without one", ("basic", "purchaser"))


def _add_money(parser: argparse.ArgumentParser, whose: str, valuations: tuple[str, ...]) -> None:
    """Add currency, prices and valuation, and what is needed for others than the table's."""
    parser.add_argument("--currency", metavar="CODE", help=f"of {whose}; default the table's")
    parser.add_argument(
        "--price-year", metavar="YEAR", type=int, help=f"prices of {whose}; default the table's"
    )
    parser.add_argument(
        "--price-index",
        metavar="FILE",
        type=path_of,
        help="for other years: a CSV with columns year and index, and sector or region",
    )
    parser.add_argument(
        "--exchange",
        metavar="CODE=RATE",
        action="append",
        help="for other currencies: what one is in the table's, e.g. GBP=1.14; may be repeated",
    )
    parser.add_argument(
        "--valuation", choices=valuations, default="basic", help="which prices; default basic"
    )
    parser.add_argument(
        "--margins",
        metavar="FILE",
        type=path_of,
        help="for purchasers' prices: a CSV with columns sector, basic, trade, transport, taxes",
    )
    for kind in ("trade", "transport"):
        parser.add_argument(
            f"--{kind}",
            metavar="[REGION:]SECTOR",
            action="append",
            help=f"a sector that supplies margins of {kind}; may be repeated",
        )


def _money_of(arguments: argparse.Namespace, table: Table) -> dict[str, Any]:
    """Return the arguments of functions about money."""
    found = given(arguments, "currency", "price_index", "valuation", "margins")
    suppliers = {
        kind: pairs(getattr(arguments, kind), table.content.sectors)
        for kind in ("trade", "transport")
        if getattr(arguments, kind)
    }
    return found | {
        "year": arguments.price_year,
        "exchange": _rates(arguments.exchange),
        "margin_sectors": suppliers or None,
    }


def _rates(texts: list[str] | None) -> dict[str, float] | None:
    """Read CODE=RATE.

    >>> _rates(["GBP=1.14"])
    {'GBP': 1.14}
    """
    found = {}
    for text in texts or []:
        code, _, rate = text.partition("=")
        try:
            found[code.strip()] = float(rate)
        except ValueError:
            raise InputError.about(
                "--exchange",
                expected="CODE=RATE",
                got=repr(text),
                remedy="e.g. --exchange GBP=1.14, with a decimal point",
            ) from None
    return found or None


# --- factors --------------------------------------------------------------------------------


def find_factors(
    table: Table, stressor: Any, errors: Any, arguments: argparse.Namespace
) -> pd.DataFrame:
    """Ask for the factors of the arguments."""
    import carbonflows_fast as cf

    return cf.factors(
        table,
        stressor,
        products=pairs(arguments.products, table.content.sectors),
        abroad=arguments.abroad,
        errors=errors,
        **_money_of(arguments, table),
        **rtol_of(arguments),
    )


def show_factors(frame: pd.DataFrame, top: int) -> None:
    """Print the largest factors, and what they are of."""
    known = frame[frame["factor"].notna()]
    largest = known.sort_values("factor", ascending=False, kind="stable").head(top)
    units = " or ".join(dict.fromkeys(largest["unit"]))
    names = list(SHOWN) + [name for name in ("sd", "abroad") if name in frame]
    cells = [
        list(map(percent, largest[name])) if name == "abroad" else numbers(largest[name])
        for name in names
    ]
    heads = ["region", "product", "prices", *(name.replace("_", " ") for name in names)]
    columns = [largest.index.get_level_values(level) for level in ("region", "sector")]
    say_columns(heads, *columns, largest["valuation"], *cells, left=3)
    of_year = (
        f", prices of {frame['price_year'].iloc[0]}" if known["price_year"].notna().any() else ""
    )
    say(f"the largest of {count(len(known), 'factor')}, in {units}{of_year}")
    if len(known) < len(frame):
        say(f"{count(len(frame) - len(known), 'row')} in other units than money have no factor")
    worst = float((known["error_bound"] / known["factor"].abs()).median())
    say(f"certified: of half of them the error is at most {worst:.1e} of the factor")


# --- purchases ------------------------------------------------------------------------------


def find_purchases(table: Table, stressor: Any, arguments: argparse.Namespace) -> Purchases:
    """Ask for the purchases of the arguments."""
    if arguments.price:  # before anything is solved for them
        regions_in(table.regions, arguments.price, "--price", year=table.year)
    return purchases_of(table, stressor, arguments)


def purchases_of(table: Table, stressor: Any, arguments: argparse.Namespace) -> Purchases:
    """Ask what the ledger of the arguments causes."""
    import carbonflows_fast as cf

    return cf.purchases(
        table,
        arguments.bought,
        stressor,
        **given(arguments, "categories", "buyer"),
        **_money_of(arguments, table),
        **rtol_of(arguments),
    )


def show_purchases(found: Purchases, year: int | None, arguments: argparse.Namespace) -> None:
    """Print total, notes, categories, emitters, tiers and chains, and what did not match."""
    top, scale = arguments.top, scale_for(found.categories["emissions"], found.unit)
    total = scale_for([found.total], found.unit)
    spent = with_unit(found.spent, found.currency)
    say(f"{_scaled(total, [found.total])[0]} {total.unit}".rstrip() + f" for {spent}")
    for note in found.notes:
        say(f"note: {note}")
    say()
    frame = found.categories.head(top)
    say_columns(
        ["category", "lines", f"spent, {found.currency}", scale.unit or "value", "share"],
        frame.index,
        (f"{lines:,}" for lines in frame["lines"]),
        numbers(frame["spent"]),
        _scaled(scale, frame["emissions"]),
        map(percent, frame["share"]),
    )
    say()
    frame = found.emitters.head(top)
    _say_values("emitted in", frame.index, frame["emissions"], frame["share"], found.unit)
    say()
    frame = found.tiers
    _say_values("tier upstream", frame.index, frame["emissions"], frame["share"], found.unit)
    rest = scale_for([frame["remainder"].iloc[-1]], found.unit)
    say(f"still beyond: {rest.text(float(frame['remainder'].iloc[-1])).replace('−', '-')}")
    say()
    frame = found.paths(top=top).to_frame()
    heads = "largest chain, what was bought first"
    _say_values(heads, frame["path"], frame["value"], frame["share"], found.unit)
    if arguments.price:
        say()
        share = percent(found.price_coverage(arguments.price))
        say(f"{share} is emitted in {', '.join(arguments.price)}")
        say_memberships(arguments.price, year)
    _say_unmatched(found.unmatched, top)
    bound = f"{found.error_bound:.1e} {found.unit}".rstrip()
    say(f"certified: the total is not wrong by more than {bound}")


def _scaled(scale: Scale, values: Any) -> list[str]:
    return numbers([float(value) / scale.factor for value in values])


def _say_values(head: str, names: Any, values: Any, shares: Any, unit: str) -> None:
    scale = scale_for(values, unit)
    heads = [head, scale.unit or "value", "share"]
    say_columns(heads, names, _scaled(scale, values), map(percent, shares))


def _say_unmatched(lost: pd.DataFrame, top: int) -> None:
    """Print why lines are not in the result, the commonest reasons first."""
    if not len(lost):
        return
    say()
    reasons = lost["finding"].value_counts()
    reasons = reasons[reasons > 0]
    for reason, lines in reasons.head(top).items():
        where = lost.loc[lost["finding"] == reason, "line"]
        said = ", ".join(f"{one:,}" for one in where[:SAME_ERROR])
        more = f" and {lines - SAME_ERROR:,} more" if lines > SAME_ERROR else ""
        say(f"line{'s' if lines > 1 else ''} {said}{more}: {reason}")
    if len(reasons) > top:
        say(f"and {count(len(reasons) - top, 'more reason')}; --out writes all")


def write_purchases(found: Purchases, arguments: argparse.Namespace) -> None:
    """Write all of it as a workbook, or the lines as another file."""
    out = arguments.out
    if out is not None and out.suffix.lower() == ".xlsx":
        say(f"written: {found.save(out, top=max(arguments.top, 100))}")
        return
    write_out(measured(found.lines, found.lines.attrs), out)
