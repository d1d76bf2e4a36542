"""Goods that pay at the border of the European Union, by the sectors of each system."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from carbonflows_fast.classification._files import label_key, records
from carbonflows_fast.classification._sectors import SYSTEMS, best_systems, rows_by_key
from carbonflows_fast.errors import InputError, LabelError, shorten

__all__ = ["cbam_goods", "cbam_share"]


def cbam_goods(sectors: Sequence[str], argument: str = "goods") -> dict[str, dict[str, str]]:
    """Return the sectors that make what the EU's carbon border adjustment charges.

    Parameters
    ----------
    sectors : sequence of str
        A table's sector labels, of a system that `system_of` knows.
    argument : str
        The argument's name in errors.

    Returns
    -------
    dict of str to dict
        For each label that has such goods: good, match ("exact": nothing else, "wider": the good
        and more) and note, as in cbam.csv.

    Raises
    ------
    LabelError
        If the sectors are of no shipped system, or of two in which they mean different things.

    Notes
    -----
    Source: Regulation (EU) 2023/956, annex I: cement, electricity, fertilisers, iron and steel,
    aluminium and hydrogen, by customs codes. Which sector makes them is our judgement.

    Examples
    --------
    >>> goods = cbam_goods(["Construction", "Basic Metals and Fabricated Metal"])
    >>> {label: row["good"] for label, row in goods.items()}
    {'Basic Metals and Fabricated Metal': 'iron and steel; aluminium'}
    """
    systems, lacking = best_systems(sectors)
    if lacking or not len(sectors):
        raise LabelError.about(
            argument,
            expected=f"a table with the sectors of {', '.join(SYSTEMS)}",
            got=f"one with {len(lacking)} sector{'s' * (len(lacking) != 1)} of none of them: "
            f"{shorten(map(repr, lacking))}",
            remedy="name the sectors that pay at the border instead",
        )
    found = [_of_system(system, sectors) for system in systems]
    if any([*rows] != [*found[0]] for rows in found):
        raise LabelError.about(
            argument,
            expected="a table with the sectors of one shipped system",
            got=f"one with sectors of {' and of '.join(systems)}, where other ones pay",
            remedy="name the sectors that pay at the border instead",
        )
    if not found[0]:
        raise LabelError.about(
            argument,
            expected="a table with a sector that pays at the border",
            got=f"one without any of {systems[0]}",
            remedy="name the sectors that pay at the border instead",
        )
    return found[0]


def _of_system(system: str, sectors: Sequence[str]) -> dict[str, dict[str, str]]:
    rows = {row["code"]: row for row in records("cbam") if row["system"] == system}
    code_of = {label: rows_by_key(system)[label_key(label)]["code"] for label in sectors}
    return {label: rows[code] for label, code in code_of.items() if code in rows}


def cbam_share(year: Any, argument: str = "phase_in") -> float:
    """Return the share of their emissions that such goods pay for in a year.

    What pays at the border had free allowances at home; these fall from 2026 to 2034 as the charge
    at the border rises. Electricity has none and pays in full.

    Parameters
    ----------
    year : int
        From 2026 on.
    argument : str
        The argument's name in errors.

    Returns
    -------
    float
        From 0.025 in 2026 to 1 from 2034 on.

    Raises
    ------
    InputError
        If the year is before 2026, or is no year.

    Notes
    -----
    Source: Directive 2003/87/EC as amended by 2023/959, article 10a(1a); Regulation (EU) 2023/956,
    article 31.

    Examples
    --------
    >>> cbam_share(2026), cbam_share(2030), cbam_share(2040)
    (0.025, 0.485, 1.0)
    """
    shares = {int(row["year"]): float(row["share"]) for row in records("cbam_phase_in")}
    first, last = min(shares), max(shares)
    if not isinstance(year, int) or isinstance(year, bool) or year < first:
        raise InputError.about(
            argument,
            expected=f"a year from {first} on",
            got=repr(year),
            remedy="leave it out for the whole charge",
        )
    return shares[min(year, last)]
