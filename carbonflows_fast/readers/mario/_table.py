"""One table of MARIO's matrices, from files or from memory."""

from __future__ import annotations

from collections.abc import Sequence

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._into_table._stressor_blocks import StressorBlock, read_stressors
from carbonflows_fast.readers._layouts._text import TextTable, check_once, check_same_labels
from carbonflows_fast.readers.mario._levels import (
    ACCOUNTS,
    CATEGORY,
    SECTOR,
    Account,
    Units,
    account_block,
)
from carbonflows_fast.readers.mario._parts import Names, Parts
from carbonflows_fast.table import Table

__all__ = ["read_flows"]


def read_flows(
    where: str,
    parts: Parts,
    units: Units,
    stressors: Sequence[str] | None,
    year: int | None,
    name: str,
    flows: bool = True,
) -> Table:
    """Return the table of Z, Y, V, E, EY, VY and X, or of coefficients z, v and e.

    Raises
    ------
    FormatError
        If labels disagree, or there is no unit.
    LabelError
        If a wanted stressor does not exist.
    """
    matrix = parts.matrix("Z" if flows else "z", SECTOR, SECTOR, sparse=True)
    Y = parts.matrix("Y", SECTOR, CATEGORY)
    rows = matrix.rows
    check_same_labels(f"{matrix.where}, columns", matrix.columns, "its rows", rows)
    check_same_labels(f"{Y.where}, rows", Y.rows, f"the rows of {matrix.where}", rows)
    check_once(matrix.where, "row", rows)
    check_once(Y.where, "column", Y.columns)
    blocks = [_block(parts, account, flows, matrix, Y, units) for account in ACCOUNTS]
    arguments = read_stressors(blocks, stressors, Y.values.shape, "F" if flows else "S")
    return table_from(
        where,
        **{"Z" if flows else "A": matrix.values},
        x=parts.output(matrix) if flows else None,
        Y=Y.values,
        regions=[region for region, _, _ in rows],
        sectors=[sector for _, _, sector in rows],
        demand=[(region, category) for region, _, category in Y.columns],
        row_units=[units.of(SECTOR, sector) for _, _, sector in rows],
        year=year,
        name=name,
        **arguments,
    )


def _block(
    parts: Parts, account: Account, flows: bool, matrix: TextTable, Y: TextTable, units: Units
) -> StressorBlock:
    """Return the stressors of an account; direct ones of final users belong to them."""
    key = account.flows if flows else account.coefficients
    names = parts.names(key)
    sectors = Names(f"the rows of {matrix.where}", matrix.rows)
    users = Names(f"the columns of {Y.where}", Y.columns)

    def read(chosen: list[int]) -> tuple[FloatArray, FloatArray | None]:
        values = parts.account(key, chosen, names, sectors)
        return values, parts.of_users(account.of_users, chosen, names, users)

    return account_block(account, names.labels, units, read)
