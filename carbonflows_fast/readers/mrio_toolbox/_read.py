"""Reads a table that mrio-toolbox saved by `MRIO.save("table.nc")`.

Parts are variables: t (countries, sectors, countries, sectors), y (countries, sectors, countries,
y_labs), va and vay, and accounts q and qy, q_air and qy_air, and so on. Tried on what mrio-toolbox
1.2.7 writes.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._into_table._stressor_blocks import (
    PRIMARY_INPUTS,
    StressorBlock,
    read_stressors,
)
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.mrio_toolbox._find import PARTS
from carbonflows_fast.readers.mrio_toolbox._netcdf import NetCdf, open_netcdf
from carbonflows_fast.readers.mrio_toolbox._order import check_balance, check_home, check_parts
from carbonflows_fast.table import Table

__all__ = ["read_mrio_toolbox"]

logger = logging.getLogger(__name__)

ACCOUNT = re.compile(r"q(?!y)(?P<rest>(_.*)?)")
ANEW = "save it anew with mrio-toolbox"


def read_mrio_toolbox(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read a table; va becomes "primary inputs", q "emissions", and q_air "air".

    Units are unknown, even if the file gives some: mrio-toolbox copies the notes of one part, its
    unit included, to parts that are saved after it. The order of regions is checked by the numbers.
    Where va is there, outputs must be inputs; else regions must buy most at home.

    Raises
    ------
    InputError
        If the package pyfive is not installed.
    FormatError
        If the file is damaged or lacks a part, if a label or a number is wrong, or if rows may have
        another order of regions than their labels.
    LabelError
        If a wanted stressor does not exist.
    """
    title = PurePosixPath(table.name).stem
    with (
        reading(files, [table.name], progress, title) as counted,
        open_netcdf(counted, table.name) as file,
    ):
        world = _World(file)
        blocks = world.blocks()
        world.check_order()
        year = file.attribute("year")
        n = len(world.regions) * len(world.sectors)
        logger.warning("%s: the units of rows and of stressors are unknown", file.where)
        return table_from(
            file.where,
            Z=world.Z.reshape(n, n),
            Y=world.Y.reshape(n, -1),
            regions=np.repeat(world.regions, len(world.sectors)).tolist(),
            sectors=world.sectors * len(world.regions),
            demand=[(user, category) for user in world.users for category in world.categories],
            year=table.year if not isinstance(year, int) else year,
            name=title,
            **read_stressors(blocks, stressors, (n, world.Y[0, 0].size)),
        )


class _World:
    """The parts of a file that are a table, with the labels of their dimensions."""

    def __init__(self, file: NetCdf) -> None:
        self._file = file
        if not set(PARTS) <= set(file.names):
            raise FormatError.about(
                file.where,
                expected="the variables t and y, as mrio-toolbox calls transactions and demand",
                got=shorten(file.names) or "none",
                remedy=ANEW,
            )
        of_rows, of_users = file.dimensions("t"), file.dimensions("y")
        self._by_sector = of_rows[:2]
        self._by_user = of_users[2:]
        self._expect("t", of_rows, (*self._by_sector, *self._by_sector))
        self._expect("y", of_users, (*self._by_sector, *self._by_user), depth=4)
        self.regions, self.sectors = map(file.labels, self._by_sector)
        self.users, self.categories = map(file.labels, self._by_user)
        rows = (len(self.regions), len(self.sectors))
        self.Z = file.values("t", (*rows, *rows))
        self.Y = file.values("y", (*rows, len(self.users), len(self.categories)))

    def blocks(self) -> list[StressorBlock]:
        """Return the accounts; what else the file holds is logged."""
        accounts = {"va": ("vay", PRIMARY_INPUTS)} if "va" in self._file.names else {}
        for name in self._file.names:
            found = ACCOUNT.fullmatch(name)
            if found and len(self._dims(name)) == 3:  # else it may be a dimension, q_labs
                rest = found["rest"]
                accounts[name] = (f"qy{rest}", rest.lstrip("_") or "emissions")
        used = {*PARTS, *accounts, *(direct for direct, _ in accounts.values())}
        dimensions = {dim for name in used & set(self._file.names) for dim in self._dims(name)}
        if unused := set(self._file.names) - used - dimensions:
            logger.warning("%s: not read: %s", self._file.where, shorten(sorted(unused)))
        return [self._block(name, *rest) for name, rest in accounts.items()]

    def check_order(self) -> None:
        """Raise if rows of t or y may have another order of regions than their labels."""
        where = self._file.where
        if "va" in self._file.names:
            added = self._account("va", self._by_sector).sum(axis=0)
            sold, final = self.Z.sum(axis=(2, 3)), self.Y.sum(axis=(2, 3))
            bought = self.Z.sum(axis=(0, 1))
            outputs, inputs = sold + final, bought + added
            check_balance(where, self.regions, outputs, inputs)
            parts = [
                ("t and y", outputs, inputs),
                ("rows of t", sold, inputs - final),
                ("columns of t", bought, outputs - added),
                ("va", added, outputs - bought),
            ]
            check_parts(where, self.regions, parts)
        else:
            check_home(f"{where}, t", self.regions, self.Z.sum(axis=(1, 3)))
        if self._by_user[0] == self._by_sector[0]:
            check_home(f"{where}, y", self.regions, self.Y.sum(axis=(1, 3)))

    def _block(self, name: str, direct: str, extension: str) -> StressorBlock:
        labels = self._file.labels(self._file.dimensions(name)[0])

        def read(chosen: list[int]) -> tuple[FloatArray, FloatArray | None]:
            values = self._account(name, self._by_sector).reshape(len(labels), -1)[chosen]
            if direct not in self._file.names:
                return values, None
            dimension = self._file.dimensions(name)[0]
            self._expect(direct, self._dims(direct), (dimension, *self._by_user))
            users = self._account(direct, self._by_user)
            return values, users.reshape(len(labels), -1)[chosen]

        return StressorBlock(labels, [extension] * len(labels), [""] * len(labels), read)

    def _account(self, name: str, columns: tuple[str, ...]) -> FloatArray:
        dimensions = self._dims(name)
        self._expect(name, dimensions, (*dimensions[:1], *columns))
        shape = tuple(len(self._file.labels(dimension)) for dimension in dimensions)
        return self._file.values(name, shape)

    def _dims(self, name: str) -> tuple[str, ...]:
        return self._file.dimensions(name)

    def _expect(
        self, name: str, given: tuple[str, ...], expected: tuple[str, ...], depth: int = 0
    ) -> None:
        if given != expected or len(given) < depth:
            raise FormatError.about(
                f"{self._file.where}, {name}",
                expected=f"the dimensions {', '.join(expected)}",
                got=", ".join(given) or "none",
                remedy=ANEW,
            )
