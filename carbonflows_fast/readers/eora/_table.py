"""Eora's blocks and labels become a table, for both layouts."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import shorten
from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._into_table._stressor_blocks import (
    PRIMARY_INPUTS,
    StressorBlock,
    read_stressors,
)
from carbonflows_fast.readers._into_table._stressor_names import join_levels
from carbonflows_fast.readers._layouts._number_files import Labels, read_block, repeated
from carbonflows_fast.readers._layouts._number_parser import Label, show
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
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
    the columns of final demand are at its right.
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
    return Account(PRIMARY_INPUTS, block, labels, [UNIT] * len(labels), demand=None)


def satellites(block: str, labels: Labels, demand: str) -> Account:
    """Return the account Q, whose labels are group and item.

    The unit is what the group has in brackets, "I-GHG-CO2 emissions (Gg)", or what ends a label in
    the notation of PRIMAP, "PRIMAP|KYOTOGHGAR4|TOTAL|GgCO2eq".
    """
    units = [_unit(label) for label in labels.labels]
    unknown = [show(label) for label, unit in zip(labels.labels, units, strict=True) if not unit]
    if unknown:
        logger.warning(
            "%s: the units of %d of %d rows are unknown: %s",
            labels.where,
            len(unknown),
            len(units),
            shorten(unknown),
        )
    return Account("Q", block, labels, units, demand)


def _unit(label: Label) -> str:
    if found := BRACKETS.findall(label[0]):
        return str(found[-1]).strip()
    coded = [match[1] for part in label if (match := PRIMAP.fullmatch(part))]
    return coded[0] if coded else ""


def eora_table(
    blocks: Blocks,
    *,
    stressors: Sequence[str] | None,
    progress: bool | None,
    year: int | None,
    name: str,
) -> Table:
    """Read the blocks and make a table of them.

    Raises
    ------
    FormatError
        If a block is missing or damaged, or labels are wrong.
    LabelError
        If a wanted stressor does not exist.
    """
    sources: list[str | None] = [blocks.T, blocks.Y]
    sources += [one for account in blocks.accounts for one in (account.block, account.demand)]
    with reading(blocks.files, sources, progress, title=name) as files:
        rows, columns = blocks.rows.labels, blocks.demand.labels
        accounts = [_stressor_block(files, blocks, account) for account in blocks.accounts]
        emissions = read_stressors(accounts, stressors, (len(rows), len(columns)))
        by, delimiter = blocks.rows.where, blocks.delimiter
        Z = read_block(files, blocks.T, rows, rows, by=by, delimiter=delimiter, sparse=True)
        Y = read_block(files, blocks.Y, rows, columns, by=by, delimiter=delimiter)
    sectors = _sectors(blocks.rows)
    _log_discrepancy(blocks, Z, Y)
    return table_from(
        f"{blocks.rows.where}, {blocks.demand.where}",
        Z=Z,
        Y=Y,
        regions=[label[0] for label in rows],
        sectors=sectors,
        demand=[(label[0], label[-1]) for label in columns],
        row_units=UNIT,
        year=year,
        name=name,
        **emissions,
    )


def _stressor_block(files: Files, blocks: Blocks, account: Account) -> StressorBlock:
    """Return an account before its numbers are read."""
    labels, n = account.labels, len(blocks.rows)
    rows, demand = blocks.rows.labels, blocks.demand.labels

    def read(chosen: list[int]) -> tuple[FloatArray, FloatArray | None]:
        def block(name: str, columns: Sequence[Label]) -> FloatArray:
            values: FloatArray = read_block(
                files,
                name,
                labels.labels,
                columns,
                by=labels.where,
                keep=chosen,
                delimiter=blocks.delimiter,
            )
            return values

        if account.demand == account.block:
            both = block(account.block, [*rows, *demand])
            return both[:, :n], both[:, n:]
        direct = None if account.demand is None else block(account.demand, demand)
        return block(account.block, rows), direct

    extensions = [account.extension] * len(labels)
    return StressorBlock(_names(account), extensions, account.units, read)


def _names(account: Account) -> list[str]:
    """Return the names of stressors, with the line of the label if a name occurs twice."""
    labels = account.labels
    names = [join_levels([part for part in label if part]) for label in labels.labels]
    twice = repeated(names)
    if twice:
        logger.warning(
            "%s: %d names stand in several lines and are told apart by these: %s",
            labels.where,
            len(twice),
            shorten(map(repr, sorted(twice))),
        )
    return [
        f"{name} | line {line}" if name in twice else name
        for name, line in zip(names, labels.lines, strict=True)
    ]


def _sectors(rows: Labels) -> list[str]:
    """Return the sectors, with the entity in front where a region has one in several entities.

    A name that still occurs twice is kept, and logged.
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
        logger.warning(
            "%s: %d sectors stand in several rows, which are kept apart: %s",
            rows.where,
            len(twice),
            shorten(twice),
        )
    return sectors


def _log_discrepancy(blocks: Blocks, Z: Any, Y: FloatArray) -> None:
    found = [at for at, label in enumerate(blocks.rows.labels) if label[0] == DISCREPANCY]
    if len(found) != 1:
        return
    logger.warning(
        "%s: the discrepancies of Eora are kept as region %s, sector %s; it sells %.6g %s to "
        "sectors and %.6g to final demand, and buys %.6g",
        blocks.files.where(blocks.T),
        DISCREPANCY,
        blocks.rows.labels[found[0]][-1],
        Z[found].sum(),
        UNIT,
        Y[found].sum(),
        Z[:, found].sum(),
    )
