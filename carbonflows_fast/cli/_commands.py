"""The commands: each takes the parsed arguments, shows its answer and returns the exit status."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from carbonflows_fast.classification import CHARACTERISATIONS, sector_classes
from carbonflows_fast.cli import _check, _convert, _decompose, _flows, _paths, _spending, _what_if
from carbonflows_fast.cli._errors import (
    HowSure,
    errors_of,
    how_sure,
    say_what_is_meant,
    with_account_sds,
)
from carbonflows_fast.cli._files import check_figure, check_out, draw, write_out, writing
from carbonflows_fast.cli._streams import say
from carbonflows_fast.cli._tables import (
    given,
    load,
    naming,
    pairs,
    rtol_of,
    save,
    wrong_for_saved,
)
from carbonflows_fast.cli._text import measured, say_memberships, show_accounts
from carbonflows_fast.errors import InputError
from carbonflows_fast.table._facts import facts_of

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = [
    "accounts",
    "convert",
    "decompose",
    "demo",
    "extraction",
    "factors",
    "flows",
    "info",
    "paths",
    "prices",
    "purchases",
    "question",
    "repair",
    "responsibility",
    "scenario",
    "sector",
]


def demo(arguments: argparse.Namespace) -> int:
    """Build a synthetic world, solve it, and show accounts and flows."""
    from carbonflows_fast.cli._demo import run

    return run(arguments)


def info(arguments: argparse.Namespace) -> int:
    """Describe a table, or the installation."""
    import carbonflows_fast as cf

    if arguments.table is None:
        facts = [
            (key.replace("_", " "), ", ".join(value) if isinstance(value, list) else str(value))
            for key, value in cf.build_info().items()
        ]
    else:
        facts = facts_of(load(arguments))
    width = max(len(key) for key, _ in facts)
    for key, value in facts:
        say(f"{key.ljust(width)}  {value}")
    return 0


def convert(arguments: argparse.Namespace) -> int:
    """Save a table so that it opens at once, or all tables of a folder."""
    from carbonflows_fast.store import is_store

    for option in ("stressor", "years", "only"):
        if getattr(arguments, option) and is_store(arguments.table):
            raise wrong_for_saved(f"--{option}", arguments.table)
    return _convert.run(arguments, load)


def repair(arguments: argparse.Namespace) -> int:
    """Make the named repairs of a table, and save it with the ledger."""
    return _check.repair(arguments, load)


def accounts(arguments: argparse.Namespace) -> int:
    """Show production and consumption accounts of all regions."""
    import carbonflows_fast as cf

    check_out(arguments.out)
    if arguments.errors is not None and arguments.per_head:
        raise InputError.about(
            "--per-head",
            expected="accounts without --errors",
            got="both",
            remedy="leave one of the two out",
        )
    errors = errors_of(arguments)
    table, stressor, demand = question(arguments)
    how = {"demand": demand, "per_head": arguments.per_head} | rtol_of(arguments)
    frame = cf.accounts(table, stressor, **how)
    found = None if errors is None else how_sure(table, stressor, errors, "accounts", arguments)
    _heading(table, frame.attrs["stressor"], demand)
    show_accounts(frame, selected=demand is not None, found=found)
    say_what_is_meant(errors, arguments)
    every = with_account_sds(frame, found).reset_index()
    write_out(measured(every, frame.attrs), arguments.out)
    return 0


def flows(arguments: argparse.Namespace) -> int:
    """Show how much crosses borders, and the largest flows."""
    import carbonflows_fast as cf

    check_out(arguments.out)
    classes, errors = _flows.classes_of(arguments), errors_of(arguments)
    table, stressor, demand = question(arguments)
    if classes is not None:
        sector_classes(table.content.sectors, classes)  # complains before anything is solved
    result = cf.flows(table, stressor, demand=demand, **rtol_of(arguments))
    sure = None
    if errors is not None:
        sure = HowSure(
            how_sure(table, stressor, errors, "flows", arguments),
            how_sure(table, stressor, errors, "accounts", arguments),
            how_sure(table, stressor, errors, "traded_share", arguments),
        )
    _heading(table, result.stressor, demand)
    _flows.show_flows(result, arguments.top, selected=demand is not None, sure=sure)
    say_what_is_meant(errors, arguments)
    carbon = any(word in result.stressor.upper() for word in ("CO2", "GWP"))
    published = demand is None and carbon and _flows.is_comparable(table)
    _flows.show_trade(result, classes, arguments, published=published, sure=sure)
    every = _flows.with_sds(result.to_frame(), sure)
    write_out(measured(every, every.attrs), arguments.out)
    return 0


def sector(arguments: argparse.Namespace) -> int:
    """Follow emissions along the chains through some sectors."""
    import carbonflows_fast as cf

    check_out(arguments.out)
    table, stressor, demand = question(arguments)
    study = _flows.find_study(table, stressor, demand, arguments)
    industrial = cf.flows(table, stressor, demand=demand, **rtol_of(arguments)).total
    _heading(table, study.stressor, demand)
    _flows.show_study(study, industrial, table.year, arguments)
    write_out(measured(study.flow, study.flow.attrs), arguments.out)
    return 0


def paths(arguments: argparse.Namespace) -> int:
    """Show the supply chains that carry most of a footprint."""
    check_out(arguments.out)
    table, stressor, demand = question(arguments)
    found = _paths.find(table, stressor, demand, arguments)
    _heading(table, found.stressor, demand)
    _paths.show(found, arguments.lines)
    if arguments.out is not None:
        say(f"written: {found.save(arguments.out)}")
    return 0


def factors(arguments: argparse.Namespace) -> int:
    """Show emissions per unit of money spent on each product."""
    check_out(arguments.out)
    errors = errors_of(arguments)
    table, stressor, _ = question(arguments)
    with naming(arguments, year="--price-year"):
        frame = _spending.find_factors(table, stressor, errors, arguments)
    _heading(table, frame.attrs["stressor"], None)
    _spending.show_factors(frame, arguments.top)
    write_out(frame.reset_index(), arguments.out)
    return 0


def purchases(arguments: argparse.Namespace) -> int:
    """Show the emissions that purchases cause."""
    import carbonflows_fast as cf

    check_out(arguments.out)
    check_figure(arguments.figure)
    table, stressor, _ = question(arguments)
    with naming(arguments, year="--price-year"):
        found = _spending.find_purchases(table, stressor, arguments)
    _heading(table, found.stressor, None)
    _spending.show_purchases(found, table.year, arguments)
    _spending.write_purchases(found, arguments)
    draw(lambda: cf.figures.purchases(found), arguments.figure)
    return 0


def prices(arguments: argparse.Namespace) -> int:
    """Show what a price on emissions does to the prices of goods, and who pays it."""
    import carbonflows_fast as cf

    check_out(arguments.out)
    check_figure(arguments.figure)
    table, stressor, _ = question(arguments)
    found = _what_if.find_prices(table, stressor, arguments)
    _heading(table, found.stressor, None)
    _what_if.show_prices(found, table.year, arguments)
    _what_if.write_prices(found, arguments.out)
    draw(lambda: cf.figures.payers(found), arguments.figure)
    return 0


def responsibility(arguments: argparse.Namespace) -> int:
    """Show the emissions of regions told four ways."""
    import carbonflows_fast as cf

    check_out(arguments.out)
    check_figure(arguments.figure)
    table, stressor, _ = question(arguments)
    told = cf.responsibility(table, stressor, per_head=arguments.per_head, **rtol_of(arguments))
    _heading(table, told.attrs["stressor"], None)
    _what_if.show_responsibility(told)
    write_out(measured(told.reset_index(), told.attrs), arguments.out)
    draw(lambda: cf.figures.responsibility(told), arguments.figure)
    return 0


def extraction(arguments: argparse.Namespace) -> int:
    """Show what would not be emitted without some sectors."""
    import carbonflows_fast as cf

    check_out(arguments.out)
    check_figure(arguments.figure)
    table, stressor, _ = question(arguments)
    found = _what_if.find_extraction(table, stressor, arguments)
    _heading(table, found.attrs["stressor"], None)
    _what_if.show_extraction(found, arguments.top)
    write_out(measured(found.reset_index(), found.attrs), arguments.out)
    draw(lambda: cf.figures.extraction(found), arguments.figure)
    return 0


def scenario(arguments: argparse.Namespace) -> int:
    """Change a table by a list, and save it with a ledger of what each line changed."""
    import carbonflows_fast as cf
    from carbonflows_fast.store._saved import require_replaceable

    require_replaceable(arguments.destination, "DESTINATION")
    check_out(arguments.ledger, "--ledger")
    made, ledger = cf.scenario(
        load(arguments), arguments.changes, rebalance=not arguments.keep_flows
    )
    _what_if.show_ledger(ledger, arguments.top)
    with writing(ledger, arguments.ledger, "--ledger"):  # neither without the other
        save(made, arguments.destination)
    for note in made.notes[-3:]:
        say(f"note: {note}")
    return 0


def decompose(arguments: argparse.Namespace) -> int:
    """Show what explains the change between two tables, and the chains that changed most."""
    import carbonflows_fast as cf

    check_out(arguments.out)
    check_out(arguments.chains, "--chains")
    before, stressor, demand = question(arguments)
    arguments.table, arguments.year = arguments.after, arguments.after_year
    with naming(arguments, year="--after-year"):
        after = question(arguments)[0]
    top = arguments.top
    if top is None and arguments.threshold is None and arguments.min_share is None:
        top = arguments.lines
    found = None
    # By-products prevent the search, but not the effects. A file of chains needs the search.
    if arguments.chains or all(cf.system(table).by_sizes for table in (before, after)):
        limits = given(arguments, "threshold", "min_share", "max_stage", "method")
        found = cf.structural_path_decomposition(
            before, after, stressor, demand=demand, top=top, **limits
        )
    method: Any = "polar" if arguments.method == "polar" else "integral"
    whole = cf.structural_decomposition(before, after, stressor, demand=demand, method=method)
    _heading(before, whole.stressor, demand)
    _decompose.show(whole, found, arguments)
    return 0


# --- what several commands share ------------------------------------------------------------


def question(arguments: argparse.Namespace) -> tuple[Table, str | None, Any]:
    """Return the table, the stressor and the demand of the question."""
    rtol_of(arguments)
    wanted = arguments.stressor
    # A characterisation weighs several stressors, so all are read.
    table = load(arguments, None if wanted in (None, *CHARACTERISATIONS) else [wanted])
    made = wanted in CHARACTERISATIONS
    if wanted and not made and len(table.stressors) == 1 and wanted not in table.stressors:
        wanted = None  # the reader found it under the name of its extension
    return table, wanted, pairs(arguments.demand, table.regions)


def _heading(table: Table, stressor: str, demand: Any) -> None:
    title = [table.name, "" if table.year is None else str(table.year), stressor]
    if demand is not None:
        wanted = [d if isinstance(d, str) else ":".join(part or "" for part in d) for d in demand]
        title.append(f"for the final demand of {', '.join(wanted)}")
    say(", ".join(text for text in title if text))
    say_memberships([d if isinstance(d, str) else d[0] for d in demand or []], table.year)
