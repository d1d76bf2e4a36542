"""Eora's blocks and labels become a table, whichever the files are."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from carbonflows_fast._parts import BoolArray, FloatArray
from carbonflows_fast._progress import progress_bar
from carbonflows_fast.errors import FormatError, InputError, shorten
from carbonflows_fast.readers._blocks import Labels, read_block, repeated
from carbonflows_fast.readers._cells import Label, show
from carbonflows_fast.readers._choice import Megabytes
from carbonflows_fast.readers._files import Files
from carbonflows_fast.readers._names import find_stressors, join_levels, stressor_names
from carbonflows_fast.table import Table

__all__ = ["Account", "Blocks", "eora_table", "primary_inputs", "satellites"]

logger = logging.getLogger(__name__)

UNIT = "thousand USD"
DISCREPANCY = "ROW"  # a region of one row
BRACKETS = re.compile(r"\(([^()]+)\)")
PRIMAP = re.compile(r"PRIMAP\|[^|]*\|[^|]*\|([^|]+)")  # gas, category, unit


@dataclass(frozen=True)
class Account:
    """The stressors of one extension: a block, its labels, and the unit of each row.

    `demand` is the block of what final users emit: None if there is none, and the block itself if
    the columns of final demand stand at its right.
    """

    extension: str
    block: str
    labels: Labels
    units: list[str]
    demand: str | None


@dataclass(frozen=True)
class Blocks:
    """The files of one table. Labels are (region, entity, sector or category)."""

    files: Files
    delimiter: str
    T: str
    Y: str
    rows: Labels
    demand: Labels
    accounts: list[Account]


def primary_inputs(block: str, labels: Labels) -> Account:
    """Return the account of primary inputs, of which final users have none."""
    return Account("primary inputs", block, labels, [UNIT] * len(labels), demand=None)


def satellites(block: str, labels: Labels, demand: str) -> Account:
    """Return the account Q, whose labels are group and item.

    The unit is what the group has in brackets, "I-GHG-CO2 emissions (Gg)", or what ends a label in
    the notation of PRIMAP, "PRIMAP|KYOTOGHGAR4|TOTAL|GgCO2eq".
    """
    units = [_unit(label) for label in labels.labels]
    unknown = [show(label) for label, unit in zip(labels.labels, units, strict=True) if not unit]
    if unknown:
        logger.warning("%s: the units of %d of %d rows are unknown: %s",
                       labels.where, len(unknown), len(units), shorten(unknown))  # fmt: skip
    return Account("Q", block, labels, units, demand)


def _unit(label: Label) -> str:
    if found := BRACKETS.findall(label[0]):
        return str(found[-1]).strip()
    coded = [match[1] for part in label if (match := PRIMAP.fullmatch(part))]
    return coded[0] if coded else ""


def eora_table(
    blocks: Blocks, *, stressors: Sequence[str] | None, progress: bool | None,
    year: int | None, name: str,
) -> Table:  # fmt: skip
    """Read the blocks and make a table of them.

    Raises
    ------
    FormatError
        If a block is missing or damaged, or labels are wrong.
    LabelError
        If a wanted stressor does not exist.
    """
    kept, texts = _stressors(blocks.accounts, stressors)
    sources = {blocks.T, blocks.Y, *(account.block for account in blocks.accounts)}
    sources |= {account.demand for account in blocks.accounts if account.demand}
    megabytes = sum(blocks.files.sizes.get(source, 0) for source in sources) // 1_000_000
    with progress_bar(f"Reading {name} (MB)", megabytes, progress) as bar:
        files = blocks.files.counting(Megabytes(bar.advance))
        rows, columns = blocks.rows.labels, blocks.demand.labels
        Z = read_block(files, blocks.T, blocks.rows, rows, delimiter=blocks.delimiter, sparse=True)
        Y = read_block(files, blocks.Y, blocks.rows, columns, delimiter=blocks.delimiter)
        F, F_Y = _emissions(files, blocks, kept)

    sectors = _sectors(blocks.rows)
    _log_discrepancy(blocks, Z, Y)
    try:
        return Table(
            Z=Z,
            Y=Y,
            F=F,
            F_Y=F_Y,
            regions=[label[0] for label in rows],
            sectors=sectors,
            demand=[(label[0], label[-1]) for label in columns],
            **texts,
            row_units=UNIT,
            year=year,
            name=name,
        )
    except InputError as error:
        raise FormatError(f"{blocks.rows.where}, {blocks.demand.where}: {error}") from error


def _stressors(
    accounts: Sequence[Account], wanted: Sequence[str] | None
) -> tuple[BoolArray, dict[str, list[str]]]:
    """Return which rows of the accounts are wanted, and what a table says of these."""
    bare = [name for account in accounts for name in _names(account)]
    homes = [account.extension for account in accounts for _ in account.units]
    units = [unit for account in accounts for unit in account.units]
    names = stressor_names(bare, homes)
    kept = np.full(len(names), wanted is None)
    if wanted is not None:
        kept[find_stressors(wanted, bare, names)] = True
    texts = {"stressors": names, "extensions": homes, "stressor_units": units}
    chosen = np.flatnonzero(kept).tolist()
    return kept, {key: [values[at] for at in chosen] for key, values in texts.items()}


def _names(account: Account) -> list[str]:
    """Return the names of stressors, with the line of the label where a name stands twice."""
    labels = account.labels
    names = [join_levels([part for part in label if part]) for label in labels.labels]
    twice = repeated(names)
    if twice:
        logger.warning("%s: %d names stand in several lines and are told apart by these: %s",
                       labels.where, len(twice), shorten(map(repr, sorted(twice))))  # fmt: skip
    return [
        f"{name} | line {line}" if name in twice else name
        for name, line in zip(names, labels.lines, strict=True)
    ]


def _emissions(files: Files, blocks: Blocks, kept: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Read the stressors that are kept: of sectors, shape (k, n), and of final users, (k, m)."""
    n, m = len(blocks.rows), len(blocks.demand)
    F, F_Y = [], []
    start = 0
    for account in blocks.accounts:
        keep = kept[start : start + len(account.labels)].tolist()
        start += len(account.labels)
        columns = [*blocks.rows.labels]
        if account.demand == account.block:
            columns += blocks.demand.labels
        values = read_block(
            files, account.block, account.labels, columns, delimiter=blocks.delimiter, keep=keep
        )
        direct = values[:, n:]
        if account.demand is None:
            direct = np.zeros((len(values), m))
        elif account.demand != account.block:
            direct = read_block(
                files, account.demand, account.labels, blocks.demand.labels,
                delimiter=blocks.delimiter, keep=keep,
            )  # fmt: skip
        F.append(values[:, :n])
        F_Y.append(direct)
    return np.concatenate(F), np.concatenate(F_Y)


def _sectors(rows: Labels) -> list[str]:
    """Return the sectors, with the entity in front where a region has one in several entities.

    What then still stands twice is left so, and logged.
    """
    clashing = repeated((region, sector) for region, _, sector in rows.labels)
    entities: dict[Label, set[str]] = {}
    for region, entity, sector in rows.labels:
        if (region, sector) in clashing:
            entities.setdefault((region, sector), set()).add(entity)
    sectors = [
        join_levels((entity, sector)) if len(entities.get((region, sector), ())) > 1 else sector
        for region, entity, sector in rows.labels
    ]
    regions = (label[0] for label in rows.labels)
    twice = [show(pair) for pair in sorted(repeated(zip(regions, sectors, strict=True)))]
    if twice:
        logger.warning("%s: %d sectors stand in several rows, which are kept apart: %s",
                       rows.where, len(twice), shorten(twice))  # fmt: skip
    return sectors


def _log_discrepancy(blocks: Blocks, Z: Any, Y: FloatArray) -> None:
    found = [at for at, label in enumerate(blocks.rows.labels) if label[0] == DISCREPANCY]
    if len(found) != 1:
        return
    logger.warning(
        "%s: the discrepancies of Eora are kept as region %s, sector %s; it sells %.6g %s to "
        "sectors and %.6g to final demand, and buys %.6g",
        blocks.files.where(blocks.T), DISCREPANCY, blocks.rows.labels[found[0]][-1],
        Z[found].sum(), UNIT, Y[found].sum(), Z[:, found].sum(),
    )  # fmt: skip
