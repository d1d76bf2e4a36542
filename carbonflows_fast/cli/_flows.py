"""What ``carbonflows-fast flows`` and ``sector`` take and show."""

from __future__ import annotations

import argparse
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from carbonflows_fast.classification import regions_in
from carbonflows_fast.cli._errors import HowSure
from carbonflows_fast.cli._files import path_of
from carbonflows_fast.cli._sentences import in_cli_words
from carbonflows_fast.cli._streams import say
from carbonflows_fast.cli._tables import pairs, rtol_of
from carbonflows_fast.cli._text import (
    chance,
    columns,
    households_in,
    numbers,
    percent,
    say_columns,
    say_memberships,
    share_of,
    with_unit,
)
from carbonflows_fast.errors import InputError, LabelError

if TYPE_CHECKING:
    import pandas as pd

    from carbonflows_fast.sectors import SectorStudy
    from carbonflows_fast.table import Table
    from carbonflows_fast.trade import Flows

__all__ = [
    "add_flow_arguments",
    "add_sector_arguments",
    "classes_of",
    "find_study",
    "show_flows",
    "show_study",
    "show_trade",
    "with_sds",
]

PUBLISHED = "published for 2004"
"""Head of the column with the figures of International Carbon Flows (Carbon Trust 2011)."""


# --- flows ----------------------------------------------------------------------------------


def add_flow_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `flows`, except for the question."""
    parser.add_argument(
        "--classes",
        metavar="FILE",
        type=path_of,
        help="class of each sector: a CSV with columns name (or code) and class",
    )


def classes_of(arguments: argparse.Namespace) -> Any:
    """Return the classification that was given as a file, if any."""
    if arguments.classes is None:
        return None
    import pandas as pd

    try:
        found = pd.read_csv(arguments.classes, dtype=str, keep_default_na=False)
        if "class" not in found or {"name", "code"}.isdisjoint(found):
            raise ValueError(f"with the columns {', '.join(map(str, found.columns))}")
        return found
    except (OSError, ValueError) as error:
        raise InputError.about(
            "--classes",
            expected="a CSV file with columns name (or code) and class",
            got=f"{str(arguments.classes)!r} ({str(error).strip()})",
            remedy="copy one of carbonflows_fast/classification and edit it",
        ) from error


def show_flows(
    result: Flows, top: int, *, selected: bool = False, sure: HowSure | None = None
) -> None:
    """Print the three summary numbers, and the largest flows between regions.

    `selected`: of a part of the final demand. `sure`: how sure they are, printed as ± beside each.
    """
    unit = result.unit
    shares = [percent(result.traded_share), percent(result.traded_share_all)]
    if sure is not None:
        of_shares = sure.shares.sd["traded_share"]
        shares = [f"{share} ± {percent(sd)}" for share, sd in zip(shares, of_shares, strict=True)]
    say(f"{shares[0]} of industrial emissions cross a border")
    kept = "of all emissions, households' own included"
    households = households_in(result.households, kept, selected=selected)
    everything = kept if households == kept else f"of all emissions; {households}"
    say(f"{shares[1]} {everything}")
    transfers, everything = with_unit(result.net_transfers, unit), with_unit(result.total, unit)
    if sure is not None:
        everything = str(sure.accounts.industries())
        importers = list(result.net_importers().index)
        transfers = str(sure.accounts.total("net_imports", importers)) if importers else transfers
    say(f"net transfers: {transfers}")
    say(f"industrial emissions: {everything}")
    if len(result.matrix) > 1:
        largest = with_sds(result.top(top), sure)
        sds = {} if sure is None else {"±": numbers(largest["sd"])}
        say()
        say_columns(
            ["emitted in", "bought in", unit or "value", *sds, "share"],
            largest["from"],
            largest["to"],
            numbers(largest["value"]),
            *sds.values(),
            map(percent, largest["share"]),
            left=2,
        )
    if (result.matrix.to_numpy() < -result.error_bound).any():
        say("some flows are below zero: amounts are sums of all, shares are of sizes")
    say(f"certified: no flow is wrong by more than {result.error_bound:.1e} {unit}".rstrip())


def with_sds(frame: pd.DataFrame, sure: HowSure | None) -> pd.DataFrame:
    """Return a list of flows with their standard deviations after the values, where known."""
    if sure is None:
        return frame
    found = sure.flows
    row, column = (found.sd.index.get_indexer(frame[name]) for name in ("from", "to"))
    made = frame.copy()
    made.insert(made.columns.get_loc("value") + 1, "sd", found.sd.to_numpy()[row, column])
    return made


def show_trade(
    result: Flows,
    classes: Any,
    arguments: argparse.Namespace,
    *,
    published: bool,
    sure: HowSure | None = None,
) -> None:
    """Print classes, net importers and exporters, and the published figures beside them."""
    say()
    traded = result.bilateral_trade()
    amount = float(traded.to_numpy().sum())
    of_all = float(traded.abs().to_numpy().sum()) / result.gross if result.gross else float("nan")
    say(f"embodied in gross exports (EEBT): {with_unit(amount, result.unit)}, {percent(of_all)}")
    try:
        split = result.split(classes)
    except LabelError as error:
        if classes is not None:
            raise
        say(f"by class of product: not known ({in_cli_words(error, arguments)})")
        split = None
    if split is not None:
        _show_split(split, result.unit)
    for what, frame, share in (
        ("net importers", result.net_importers(), "import share"),
        ("net exporters", result.net_exporters(), "export share"),
    ):
        if len(frame):
            say()
            _show_balance(what, frame.head(arguments.top), share, result.unit, sure)
    if published:
        say()
        _show_published(result, split)


def _show_split(split: pd.DataFrame, unit: str) -> None:
    heads = [
        "class",
        f"by product crossing the border, {unit or 'value'}",
        "share",
        "by product finally bought",
        "share",
    ]
    amounts = [split[name] for name in ("by_border_product", "by_final_product")]
    cells = ((numbers(v), [percent(share_of(one, v)) for one in v]) for v in amounts)
    say_columns(heads, split.index, *chain.from_iterable(cells))
    border, final = (_against(values) for values in amounts)
    say(f"commodity : product = {border} by product crossing the border, {final} by final product")


def _against(by_class: pd.Series) -> str:
    """Return commodity : product as per cent of the two, e.g. "43 : 57"."""
    commodity, product = by_class["commodity"], by_class["product"]
    if not commodity + product or commodity * product < 0.0:  # a sink has no share
        return "-"
    share = round(100 * commodity / (commodity + product))
    return f"{share} : {100 - share}"


def _show_balance(
    what: str, frame: pd.DataFrame, share: str, unit: str, sure: HowSure | None
) -> None:
    """Print net importers or exporters; how sure they are with ± and the probability to be one."""
    heads, cells = [what], [list(frame.index)]
    for name in ("production", "consumption", "net_imports"):
        heads.append(name.replace("_", " "))
        cells.append(numbers(frame[name]))
        if sure is not None:
            heads.append("±")
            cells.append(numbers(sure.accounts.sd.loc[frame.index, name]))
    heads[1] += f", {unit}" if unit else ""
    if sure is not None:
        imports = sure.accounts.probability().loc[frame.index, "net_imports"]
        heads.append("probability")
        cells.append([chance(one) for one in (imports if "import" in what else 1.0 - imports)])
    heads += ["net share", share]
    cells.append([percent(one, sign=True) for one in frame["net_share"]])
    cells.append([percent(one) for one in frame[share.replace(" ", "_")]])
    if "consumption_per_head" in frame:
        heads.append("consumption per head")
        cells.append(numbers(frame["consumption_per_head"]))
    say_columns(heads, *cells)


def is_comparable(table: Table) -> bool:
    """Tell whether a table is one of the world, with the countries of the study."""
    from carbonflows_fast.classification import country_of, load
    from carbonflows_fast.synthetic._world import NAME as INVENTED

    known = [country_of(region) for region in table.regions]
    studied = {country for country in load("icf2011")["region"] if country_of(country) == country}
    return table.name != INVENTED and all(known.count(one) == 1 for one in studied)


def _show_published(result: Flows, split: pd.DataFrame | None) -> None:
    """Print our figures and the study's, by country, if both have them."""
    from carbonflows_fast.classification import country_of, load

    balance = result.balance
    place = {country_of(str(region)): region for region in balance.index}
    body = []
    for row in load("icf2011").to_dict("records"):
        figure, region, value = row["figure"], row["region"], float(row["value"])
        if figure == "traded_share_all":
            cells = ["crosses a border, of all", percent(result.traded_share_all), percent(value)]
        elif figure == "commodity_share":
            share = round(100 * value)
            known = "-" if split is None else _against(split["by_border_product"])
            cells = ["commodity : product", known, f"{share} : {100 - share}"]
        elif region not in place:
            continue
        elif figure == "net_share":
            ours = balance.loc[place[region], "net_share"]
            cells = [
                f"{place[region]} consumption over production",
                percent(ours, sign=True),
                percent(value, sign=True),
            ]
        else:
            ours = balance.loc[place[region], figure]
            cells = [f"{place[region]} exports of what it emits", percent(ours), percent(value)]
        body.append(cells)
    say(columns(["beside International Carbon Flows (2011)", "here", PUBLISHED], body))


def _with_shares(values: pd.Series) -> pd.DataFrame:
    """Return values with their shares of all by size, the largest first."""
    found = values.to_frame("value").assign(share=[share_of(v, values) for v in values])
    order = found["value"].abs().sort_values(ascending=False, kind="stable").index
    return found.loc[order]


# --- sector ---------------------------------------------------------------------------------


def add_sector_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of a study."""
    parser.add_argument(
        "study",
        metavar="STUDY",
        nargs="+",
        help="steel, aluminium, automotive, clothing or cotton; or [REGION:]SECTOR ...",
    )
    parser.add_argument(
        "--price",
        metavar="REGIONS",
        action="append",
        help="regions with a carbon price, e.g. 'EU ETS 2009'; may be repeated",
    )
    parser.add_argument(
        "--consumers",
        metavar="REGIONS",
        action="append",
        help="the consumers of --price; default all; may be repeated",
    )


def find_study(
    table: Table, stressor: Any, demand: Any, arguments: argparse.Namespace
) -> SectorStudy:
    """Make the study of the arguments."""
    import carbonflows_fast as cf

    if arguments.consumers and not arguments.price:
        raise InputError.about(
            "--consumers",
            expected="--price with it",
            got="--consumers alone",
            remedy="use --demand to study the demand of some regions",
        )
    for option in ("price", "consumers"):  # before anything is solved for them
        if getattr(arguments, option):
            regions_in(table.regions, getattr(arguments, option), f"--{option}", year=table.year)
    asked = pairs(arguments.study, table.content.sectors)
    sectors = asked[0] if len(asked) == 1 else asked
    return cf.sector_study(table, stressor, sectors=sectors, demand=demand, **rtol_of(arguments))


def show_study(
    study: SectorStudy, industrial: float, year: int | None, arguments: argparse.Namespace
) -> None:
    """Print a study: amounts, borders, regions, products, tiers, chains, and price coverage."""
    unit, top = study.unit, arguments.top
    for note in study.notes:
        say(f"note: {note}")
    of_all = share_of(study.total, [study.total, industrial - study.total])
    whole = "industrial emissions" if arguments.demand is None else "those that the demand causes"
    say(
        f"{with_unit(study.total, unit)} along chains through {study.name}, {percent(of_all)} of "
        f"{whole}"
    )
    direct, upstream = (
        percent(share_of(part, [study.direct, study.upstream]))
        for part in (study.direct, study.upstream)
    )
    say(f"direct {direct}, upstream {upstream}")
    for between, share in study.border_shares.items():
        where = "any border" if between == "any" else f"a border, {between}"
        say(f"{percent(share)} cross {where}")
    say()
    cells = []
    for step in ("emitted", "made", "consumed"):
        part = _with_shares(study.by(step)).head(top)
        cells += [list(map(str, part.index)), list(map(percent, part.share))]
    heads = ["emitted in", "share", "made in", "share", "consumed in", "share"]
    say(columns(heads, list(zip_longest(*cells, fillvalue=""))))
    say()
    carried = study.products.sum(axis=1).groupby(level="sector", sort=False).sum()
    carried = _with_shares(carried).head(top)
    say_columns(
        ["final product that carries it", unit or "value", "share"],
        carried.index,
        numbers(carried.value),
        map(percent, carried.share),
    )
    say()
    tiers = study.tiers
    all_tiers = [*tiers.emissions, tiers.remainder.iloc[-1]]
    say_columns(
        ["tier upstream", unit or "value", "share", "still beyond"],
        tiers.index,
        numbers(tiers.emissions),
        map(percent, tiers.share),
        [percent(share_of(rest, all_tiers)) for rest in tiers.remainder],
    )
    say()
    paths = study.paths(top=top, **rtol_of(arguments)).to_frame()
    say_columns(
        ["largest chain, final product first", unit or "value", "share"],
        paths.path,
        numbers(paths.value),
        map(percent, paths.share),
    )
    if arguments.price:
        share = study.price_coverage(arguments.price, consumers=arguments.consumers)
        whose = ", ".join(arguments.consumers or ["all consumers"])
        say()
        say(f"{percent(share)} of what {whose} cause is emitted in {', '.join(arguments.price)}")
        say_memberships([*arguments.price, *(arguments.consumers or [])], year)
    say(f"certified: the total is not wrong by more than {study.error_bound:.1e} {unit}".rstrip())
