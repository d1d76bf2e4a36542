"""What ``prices``, ``responsibility``, ``extraction`` and ``scenario`` take and show."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carbonflows_fast._base.files import replacing
from carbonflows_fast._base.wording import count, scale_for
from carbonflows_fast._base.workbook import write_workbook
from carbonflows_fast.cli._files import add_figure, path_of, write_out
from carbonflows_fast.cli._streams import say
from carbonflows_fast.cli._tables import given, pairs, rtol_of
from carbonflows_fast.cli._text import (
    numbers,
    percent,
    say_columns,
    say_memberships,
    share_of,
    with_unit,
)

if TYPE_CHECKING:
    import pandas as pd

    from carbonflows_fast.prices import PriceEffects
    from carbonflows_fast.table import Table

__all__ = [
    "add_extraction_arguments",
    "add_price",
    "add_price_arguments",
    "add_responsibility_arguments",
    "add_scenario_arguments",
    "find_extraction",
    "find_prices",
    "show_extraction",
    "show_ledger",
    "show_prices",
    "show_responsibility",
    "write_prices",
]

WAYS = ("production", "consumption", "income", "technology_adjusted")


# --- prices ---------------------------------------------------------------------------------


def add_price_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the price, and a picture of who pays it."""
    add_price(parser, required=True)
    add_figure(parser, "what each region pays")
    parser.set_defaults(demand=None)


def add_price(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the price, where it holds, and what happens at the border."""
    parser.add_argument(
        "--per-tonne",
        dest="price",
        metavar="MONEY",
        type=float,
        required=required,
        help="the price of a tonne in the table's currency, e.g. 80",
    )
    parser.add_argument(
        "--price",
        dest="regions",
        metavar="REGIONS",
        action="append",
        required=required,
        help="regions with the price, e.g. EU27; may be repeated",
    )
    words = ("direct", "total")
    parser.add_argument(
        "--border",
        choices=words,
        help="charge goods from elsewhere for what their makers emitted, or for all that was "
        "emitted for them outside the regions with the price",
    )
    parser.add_argument(
        "--rebate", choices=words, help="give the charge back on goods that leave, in the same ways"
    )
    for name, what in (
        ("sectors", "sectors that pay for their emissions; default all"),
        ("goods", "goods that --border and --rebate are about; default those of --sectors"),
    ):
        parser.add_argument(
            f"--{name}",
            metavar="[REGION:]SECTOR",
            action="append",
            help=f"{what}; 'cbam' for those of the EU's border adjustment; may be repeated",
        )
    parser.add_argument(
        "--phase-in",
        metavar="YEAR",
        type=int,
        help="charge the share of that year, from 2026, which EU law sets for goods",
    )


def find_prices(table: Table, stressor: Any, arguments: argparse.Namespace) -> PriceEffects:
    """Ask what the price does."""
    import carbonflows_fast as cf

    rows = {
        name: _rows(getattr(arguments, name), table.content.sectors)
        for name in ("sectors", "goods")
    }
    return cf.carbon_price(
        table,
        stressor,
        arguments.price,
        **given(arguments, "regions", "border", "rebate", "phase_in"),
        **rows,
        **rtol_of(arguments),
    )


def _rows(texts: list[str] | None, sectors: Any) -> Any:
    """Return rows as the library selects them; "cbam" is one for itself."""
    return "cbam" if texts == ["cbam"] else pairs(texts, sectors)


def show_prices(found: PriceEffects, year: int | None, arguments: argparse.Namespace) -> None:
    """Print who collects, who pays, and which sectors are exposed most."""
    top, unit = arguments.top, found.unit
    say(
        f"{with_unit(found.collected, unit)} collected, "
        f"{percent(found.crossing_share)} of it paid in another region"
    )
    say_memberships(arguments.regions, year)
    say()
    revenue = found.revenue
    kept = ["emissions", *(name for name in ("border", "rebates") if revenue[name].any()), "total"]
    shown = _largest(revenue, "total", top)
    say_columns(
        ["collected in", *(f"on {name}" if name == "emissions" else name for name in kept)],
        shown.index,
        *(numbers(shown[name]) for name in kept),
    )
    say()
    paid = found.payments[["spending", "paid"]].groupby(level="region", sort=False).sum()
    shown = _largest(paid, "paid", top)
    say_columns(
        ["paid by", "paid", "of all", "of spending"],
        shown.index,
        numbers(shown["paid"]),
        (percent(share_of(value, paid["paid"])) for value in shown["paid"]),
        (percent(p / s if s else float("nan")) for p, s in zip(shown["paid"], shown["spending"])),
    )
    say()
    exposed = _largest(found.exposure.dropna(subset="share"), "share", top)
    say_columns(
        ["region", "sector", "cost", "of value added", "trade intensity"],
        *(exposed.index.get_level_values(level) for level in ("region", "sector")),
        numbers(exposed["cost"]),
        map(percent, exposed["share"]),
        map(percent, exposed["trade_intensity"]),
        left=2,
    )
    say(f"money in {unit or '(no unit)'}; everyone passes the cost on, and nobody buys less")
    if abs(found.unallocated) > found.error_bound:
        say(f"collected on what no final demand accounts for: {with_unit(found.unallocated, unit)}")
    say(f"certified: no amount is wrong by more than {found.error_bound:.1e} {unit}".rstrip())


def write_prices(found: PriceEffects, out: Path | None) -> None:
    """Write all of it as a workbook, or the rises of prices as another file."""
    rises = found.prices.reset_index()
    if out is None or out.suffix.lower() != ".xlsx":
        write_out(rises, out)
        return
    sheets = {
        "prices": rises,
        "payments": found.payments.reset_index(),
        "revenue": found.revenue.reset_index(),
        "who pays whom": found.flow.reset_index(),
        "exposure": found.exposure.reset_index(),
    }
    with replacing(out, "--out") as fresh:
        write_workbook(sheets, fresh)
    say(f"written: {out}")


def _largest(frame: pd.DataFrame, column: str, top: int) -> pd.DataFrame:
    return frame.sort_values(column, ascending=False, kind="stable").head(top)


# --- responsibility -------------------------------------------------------------------------


def add_responsibility_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what a table of four accounts takes."""
    add_figure(parser, "the four accounts of each region")
    parser.set_defaults(demand=None)


def show_responsibility(told: pd.DataFrame) -> None:
    """Print the four accounts of all regions, and their sums."""
    unit, bound = told.attrs["unit"], told.attrs["error_bound"]
    per_head = unit.endswith("per head")
    cells = [numbers(told[way] if per_head else [*told[way], told[way].sum()]) for way in WAYS]
    names = [*told.index] if per_head else [*told.index, f"all {len(told)}"]
    say_columns(["region", *(way.replace("_", "-") for way in WAYS)], names, *cells)
    say(f"in {unit or '(no unit)'}; each with households' own emissions")
    lost = float(told["unallocated"].sum())
    if not per_head and abs(lost) > bound:
        say(f"unallocated (no final demand accounts for it): {with_unit(lost, unit)}")
    say(f"certified: no account is wrong by more than {bound:.1e} {unit}".rstrip())


# --- extraction -----------------------------------------------------------------------------


def add_extraction_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what is taken out, and how."""
    parser.add_argument(
        "rows",
        metavar="[REGION:]SECTOR",
        nargs="+",
        help="what is taken out: a sector of all regions, or of one; 'REGION:' for all its sectors",
    )
    parser.add_argument(
        "--direction",
        choices=("total", "backward", "forward"),
        default="total",
        help="total: it sells nothing; backward: it buys nothing; forward: it sells no inputs",
    )
    parser.add_argument(
        "--part", type=float, default=1.0, help="how much of it, above 0 and at most 1; default 1"
    )
    add_figure(parser, "where emissions would be lost")
    parser.set_defaults(demand=None)


def find_extraction(table: Table, stressor: Any, arguments: argparse.Namespace) -> pd.DataFrame:
    """Ask what would be lost."""
    import carbonflows_fast as cf

    rows = pairs(arguments.rows, table.content.sectors)
    how = given(arguments, "direction", "part")
    return cf.extraction(table, rows, stressor=stressor, **how, **rtol_of(arguments))


def show_extraction(found: pd.DataFrame, top: int) -> None:
    """Print what would be lost, by region and by sector."""
    unit, bound = found.attrs["unit"], found.attrs["error_bound"]
    lost, before = float(found["emissions_lost"].sum()), float(found["emissions"].sum())
    say(f"{with_unit(lost, unit)} would not be emitted, {percent(lost / before)} of all"
        if before else "nothing is emitted")  # fmt: skip
    scale = scale_for(found["emissions_lost"], unit)
    for level in ("region", "sector"):
        say()
        sums = found[["emissions", "emissions_lost"]].groupby(level=level, sort=False).sum()
        shown = _largest(sums, "emissions_lost", top)
        say_columns(
            [level, f"lost, {scale.unit}".rstrip(", "), "of all that is lost", "of its emissions"],
            shown.index,
            numbers(shown["emissions_lost"] / scale.factor),
            (percent(share_of(v, sums["emissions_lost"])) for v in shown["emissions_lost"]),
            (
                percent(v / e if e else float("nan"))
                for v, e in zip(shown["emissions_lost"], shown["emissions"])
            ),
        )
    say(f"certified: no sum is wrong by more than {bound:.1e} {unit}".rstrip())


# --- scenarios ------------------------------------------------------------------------------


def add_scenario_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the list of changes, and where the table goes."""
    parser.add_argument(
        "changes",
        metavar="CHANGES",
        type=path_of,
        help="CSV file or workbook of changes: columns part (A, Z, Y, S, F or F_Y), factor or "
        "value; region, sector, stressor, buyer_region, buyer",
    )
    parser.add_argument("destination", metavar="DESTINATION", type=path_of, help="folder to make")
    parser.add_argument(
        "--keep-flows",
        action="store_true",
        help="keep flows that no line changes (Z, F) in place of coefficients (A, S)",
    )
    parser.add_argument(
        "--ledger",
        metavar="FILE",
        type=path_of,
        help="write what each line changed as .csv, .parquet, .json or .xlsx",
    )


def show_ledger(ledger: pd.DataFrame, top: int) -> None:
    """Print what each line of a list changed."""
    shown = ledger.head(top)
    places = [
        name
        for name in ("region", "sector", "stressor", "buyer_region", "buyer")
        if name in shown and shown[name].notna().any()
    ]
    texts = [shown[name].map(lambda v: "" if v != v else str(v)) for name in places]
    say_columns(
        ["part", *(name.replace("_", " ") for name in places), "numbers", "before", "after"],
        shown["part"],
        *texts,
        (f"{cells:,}" for cells in shown["cells"]),
        numbers(shown["before"]),
        numbers(shown["after"]),
        left=1 + len(places),
    )
    if len(ledger) > top:
        say(f"and {count(len(ledger) - top, 'more change')}; --ledger writes all")
