"""Emission accounts published in separate files, joined to a table by their labels."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from carbonflows_fast._base.arrays import BoolArray, FloatArray, locked
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.table import Table
from carbonflows_fast.table._table import table_from

__all__ = ["Account", "Pair", "add_account"]

logger = logging.getLogger(__name__)

Pair = tuple[str, str]  # region and sector, or region and category of final demand

TOLERANCE = 0.01  # between the sum over sectors and the account's own total


@dataclass(frozen=True)
class Account:
    """What one stressor amounts to, in labels of the table.

    Attributes
    ----------
    where : str
        The file, for messages.
    stressor, unit : str
        As the table is to name it.
    sectors : mapping of (region, sector) to float
        Finite; what is unknown is left out. Sums over sectors or regions may be among them.
    demand : mapping of (region, category) to float
        Emitted by final users directly.
    totals : mapping of region to float
        The account's own sums over all sectors, with or without final users.
    """

    where: str
    stressor: str
    unit: str
    sectors: Mapping[Pair, float]
    demand: Mapping[Pair, float] = field(default_factory=dict)
    totals: Mapping[str, float] = field(default_factory=dict)


def add_account(table: Table, account: Account, *, extension: str = "emissions") -> Table:
    """Return the table with the account as its last stressor.

    Nothing is guessed: a sector that the account lacks counts as zero, and what the account has
    beyond the table (a sum over sectors, a region more) is left out. Both are logged with their
    size, and so are an account without final users, and regions whose sectors differ from the
    account's own total by more than 1 %. Where a table has several rows of one sector, the sector's
    emissions are split by output, which is logged and becomes a note of the table.

    Parameters
    ----------
    table : Table
    account : Account
    extension : str

    Raises
    ------
    FormatError
        If the account has no sector of the table at all, or the table has the stressor already.

    Examples
    --------
    >>> table = Table(Z=[[0.0]], Y=[10.0], F=[1.0], regions="DE", sectors=["all"], stressors="tax")
    >>> account = Account("emissions.csv", "CO2", "kt", {("DE", "all"): 5.0})
    >>> add_account(table, account).F.loc["CO2"].tolist()
    [5.0]
    """
    parts = table.content
    if account.stressor in parts.stressors:
        raise FormatError.about(
            account.where,
            expected="one account of each stressor",
            got=f"{account.stressor!r} again",
            remedy="keep one of the files",
        )
    rows = _pairs(parts.regions, parts.region_codes, parts.sectors, parts.sector_codes)
    columns = _pairs(parts.regions, parts.demand_codes, parts.categories, parts.category_codes)
    F = np.array([account.sectors.get(pair, np.nan) for pair in rows])
    F, note = _split_by_output(account, rows, F, table.arrays.x)
    F_Y = np.array([account.demand.get(pair, 0.0) for pair in columns])
    lacking = np.isnan(F)
    if lacking.all():
        raise FormatError.about(
            account.where,
            expected=f"{account.stressor} of sectors like {rows[0]}",
            got=f"{shorten(map(repr, account.sectors), 2) or 'none'}",
            remedy="take the account of the same edition, or read other stressors alone",
        )
    F[lacking] = 0.0
    if not account.demand:
        logger.warning(
            "%s: no %s of households, their own emissions count as zero",
            account.where,
            account.stressor,
        )
    _tell_lacking(account, table, rows, lacking)
    agrees = _agrees(account, parts.regions, parts.region_codes, parts.demand_codes, F, F_Y)
    _tell_beyond(account, account.sectors, rows, "sector", agrees)
    _tell_beyond(account, account.demand, columns, "column of final demand", agrees)
    return table_from(
        replace(
            parts,
            notes=parts.notes + ((note,) if note else ()),
            emissions=locked(np.vstack([table.arrays.F, F])),
            emissions_kind="F",
            F_Y=locked(np.vstack([table.arrays.F_Y, F_Y])),
            stressors=(*parts.stressors, account.stressor),
            extensions=(*parts.extensions, extension),
            stressor_units=(*parts.stressor_units, account.unit),
        )
    )


def _pairs(
    regions: Sequence[str], region_codes: Iterable[int], names: Sequence[str], codes: Iterable[int]
) -> list[Pair]:
    return [(regions[r], names[c]) for r, c in zip(region_codes, codes, strict=True)]


def _split_by_output(
    account: Account, rows: Sequence[Pair], F: FloatArray, x: FloatArray
) -> tuple[FloatArray, str]:
    """Return F where rows of one label share what it emits by their output, and a note on it.

    A share of no output goes to the first of them.
    """
    places: dict[Pair, list[int]] = {}
    for at, pair in enumerate(rows):
        places.setdefault(pair, []).append(at)
    several = {pair: at for pair, at in places.items() if len(at) > 1 and pair in account.sectors}
    if not several:
        return F, ""
    for parts in several.values():
        output = np.maximum(x[parts], 0.0)
        if not output.sum():
            output[0] = 1.0
        F[parts] *= output / output.sum()
    regions = shorten(dict.fromkeys(region for region, _ in several))
    note = (
        f"{account.stressor} of {len(several)} sectors of {regions} that have several rows is "
        "split over them by output."
    )
    logger.warning("%s: %s", account.where, note)
    return F, note


def _tell_lacking(account: Account, table: Table, rows: Sequence[Pair], lacking: BoolArray) -> None:
    """Log which sectors the account lacks: whole regions, whole sectors, then single ones."""
    pairs = {rows[at] for at in np.flatnonzero(lacking).tolist()}
    if pairs:
        x = np.abs(table.arrays.x)
        logger.warning(
            "%s: no %s of %d of %d sectors (%.3g %% of output), they count as zero: %s",
            account.where,
            account.stressor,
            len(pairs),
            len(set(rows)),
            100 * x[lacking].sum() / max(x.sum(), np.finfo(float).tiny),
            shorten(_summary(rows, pairs), 20),
        )


def _summary(rows: Sequence[Pair], chosen: set[Pair]) -> list[str]:
    """Name pairs of region and sector, all those of a region or of a sector together."""
    named: list[str] = []
    left = dict.fromkeys(pair for pair in rows if pair in chosen)
    for axis, text in ((0, "all of {}"), (1, "{} everywhere")):
        partly = {pair[axis] for pair in rows if pair not in chosen}
        whole = dict.fromkeys(pair[axis] for pair in left if pair[axis] not in partly)
        named += map(text.format, whole)
        left = {pair: None for pair in left if pair[axis] not in whole}
    return named + [" ".join(pair) for pair in left]


def _tell_beyond(
    account: Account, given: Mapping[Pair, float], known: Sequence[Pair], what: str, agrees: bool
) -> None:
    """Log what is left out; if the totals agree, it was only sums of the rest."""
    table = set(known)
    beyond = {pair: value for pair, value in given.items() if pair not in table}
    if not beyond:
        return
    regions, names = ({pair[axis] for pair in table} for axis in (0, 1))
    odd = [
        shorten(dict.fromkeys(pair[axis] for pair in beyond if pair[axis] not in those), 10)
        for axis, those in ((0, regions), (1, names))
    ]
    logger.log(
        logging.INFO if agrees else logging.WARNING,
        "%s: %s of no %s of the table is left out, in all %.6g %s: %s",
        account.where,
        account.stressor,
        what,
        sum(beyond.values()),
        account.unit,
        "; ".join(text for text in odd if text) or shorten(" ".join(pair) for pair in beyond),
    )


def _agrees(
    account: Account,
    regions: Sequence[str],
    row_codes: np.ndarray,
    column_codes: np.ndarray,
    F: FloatArray,
    F_Y: FloatArray,
) -> bool:
    """Compare the sums over sectors with the account's own; a total may hold final users too."""
    R = len(regions)
    sectors = np.bincount(row_codes, F, R)
    users = np.bincount(column_codes, F_Y, R)
    total = np.array([account.totals.get(region, np.nan) for region in regions])
    gap = np.minimum(np.abs(sectors - total), np.abs(sectors + users - total))
    off = np.flatnonzero(gap > TOLERANCE * np.abs(total)).tolist()
    if off:
        logger.warning(
            "%s: the sectors' %s differs by more than %g %% from the total of %d of %d regions: %s",
            account.where,
            account.stressor,
            100 * TOLERANCE,
            len(off),
            R,
            shorten(
                (
                    f"{regions[at]} {sectors[at]:.6g} of {total[at]:.6g} {account.unit}"
                    for at in off
                ),
                10,
            ),
        )
    return not off and not np.isnan(total).any()
