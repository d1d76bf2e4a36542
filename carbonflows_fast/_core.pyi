"""The compiled core. Arrays are taken as they are: carbonflows_fast checks them first.

Lines, blocks and tiles are explained in cpp/include/carbonflows/tiles.hpp. `semiring` is 0 for
Σ a x, 1 for Σ |a| x, 2 for max |a| x. `isa` is "" or the name of a set of kernels.
"""

import numpy as np
import numpy.typing as npt

_Floats = npt.NDArray[np.float64]
_Values = npt.NDArray[np.float64] | npt.NDArray[np.float32]
_Ints = npt.NDArray[np.int64]
_Int32s = npt.NDArray[np.int32]
_Masks = npt.NDArray[np.uint16]

version: str
compiler: str
max_block: int

def kernel_name(wanted: str, /) -> str | None: ...

class Tiles:
    """A matrix in float64 region tiles."""

    def __init__(self, starts: _Ints, entries: _Ints, masks: _Masks, values: _Values) -> None: ...
    @staticmethod
    def from_csr32(
        line_starts: _Int32s,
        positions: _Int32s,
        values: _Floats,
        by_column: bool,
        starts: _Ints,
        divisor: _Floats | None,
        threads: int,
        /,
    ) -> Tiles: ...
    @staticmethod
    def from_csr64(
        line_starts: _Ints,
        positions: _Ints,
        values: _Floats,
        by_column: bool,
        starts: _Ints,
        divisor: _Floats | None,
        threads: int,
        /,
    ) -> Tiles: ...
    @staticmethod
    def from_dense(
        array: _Floats, starts: _Ints, divisor: _Floats | None, threads: int, /
    ) -> Tiles: ...
    @property
    def starts(self) -> _Ints: ...
    @property
    def entries(self) -> _Ints: ...
    @property
    def masks(self) -> _Masks: ...
    @property
    def values(self) -> _Values: ...
    def to_csr(self, threads: int, /) -> tuple[_Ints, _Ints, _Floats]: ...
    def to_dense(self, absolute: bool, out: _Values, threads: int) -> None: ...
    def lowest(self, threads: int, /) -> float: ...
    def masks_fit(self, threads: int, /) -> bool: ...
    def scaled(self, left: _Floats, right: _Floats, threads: int, /) -> Tiles: ...
    def row_group_sums(self, codes: _Int32s, groups: int, threads: int, /) -> _Floats: ...
    def product(
        self,
        x: _Floats,
        out: _Floats,
        adjoint: bool,
        semiring: int,
        threads: int,
        isa: str,
        squared: bool = False,
    ) -> None: ...
    def factor(self, absolute: bool, threads: int, isa: str) -> tuple[_Floats, _Int32s, int]: ...
    def solve(
        self,
        factors: _Values,
        pivots: _Int32s,
        y: _Floats,
        x: _Floats,
        shared: int,
        start_is_zero: bool,
        residual_weight: _Floats,
        value_weight: _Floats,
        goal: float,
        sweeps: int,
        adjoint: bool,
        absolute: bool,
        threads: int,
        isa: str,
    ) -> int:
        """Improve x in place; return the passes over the matrix."""

class Tiles32(Tiles):
    """The same in float32, as are the factors that `solve` takes and the vectors it works on.

    `product` and `factor` work in float64 on what is kept in float32.
    """

class Chains:
    """What a search for structural paths needs to know, whatever the demand.

    States and potentials are explained in cpp/include/carbonflows/paths.hpp.
    """

    def __init__(
        self,
        tiles: Tiles,
        emissions: _Floats,
        multipliers: _Floats,
        through: npt.NDArray[np.uint8],
        most_stages: int,
        threads: int,
        isa: str,
    ) -> None: ...
    @property
    def passes(self) -> int: ...
    def find(
        self,
        demand: _Floats,
        threshold: float,
        most_paths: int,
        target: float,
        most_found: int,
        most_nodes: int,
        position: _Ints,
        threads: int,
    ) -> tuple[bool, _Floats, _Ints, _Int32s, _Floats, int]:
        """Return (all found?, values, starts, rows, pruned, nodes)."""

class Changes:
    """Two `Chains` and a demand for each, ready for the search of the largest changes.

    Explained in cpp/include/carbonflows/changes.hpp.
    """

    def __init__(
        self,
        first: Chains,
        second: Chains,
        first_demand: _Floats,
        second_demand: _Floats,
        one_sign: bool,
        threads: int,
    ) -> None: ...
    @property
    def largest(self) -> float: ...
    def find(
        self,
        threshold: float,
        equal: bool,
        most_paths: int,
        most_found: int,
        most_nodes: int,
        position: _Ints,
        threads: int,
    ) -> tuple[bool, _Floats, _Floats, _Ints, _Int32s, _Floats, _Floats, _Floats, int]: ...

def parse_dense(
    lines: list[bytes],
    starts: list[int],
    delimiter: str,
    columns: int,
    wanted: npt.NDArray[np.uint8] | None,
    values: _Floats,
    /,
) -> bool:
    """Parse rows of the wanted columns; False if a line is not plain numbers.

    The numbers of each line begin at its start; its line end does not count.
    """

def parse_sparse(
    lines: list[bytes],
    starts: list[int],
    delimiter: str,
    columns: int,
    wanted: npt.NDArray[np.uint8] | None,
    row_starts: _Ints,
    places: _Int32s,
    values: _Floats,
    /,
) -> int:
    """Parse row starts, columns and values of the nonzeros, and return how many there are.

    -1 if a line is not plain numbers. `places` and `values` must have room for all cells.
    """

class Growing:
    """Memory that grows in place; `take` hands all of it over."""

    def __len__(self) -> int: ...
    def add(self, block: npt.NDArray[np.generic], /) -> None: ...
    def take(self, dtype: np.dtype[np.generic], /) -> npt.NDArray[np.generic]: ...

class CellNumbers:
    """A number for each cell: for all, by group, in a dense array, or sparse in tile order."""

    def __init__(
        self,
        everywhere: float,
        groups: _Int32s,
        by_group: _Floats,
        dense: _Floats | None,
        row_starts: _Ints,
        columns: _Ints,
        numbers: _Floats,
    ) -> None: ...

def row_spread(
    tiles: Tiles, left: _Floats, right: _Floats, weight: _Floats, threads: int
) -> _Floats:
    """Return Σ_j a_ij² weight_j (left_i · (right_j − right_i))² of each row."""

def draw_cells(
    tiles: Tiles,
    values: npt.NDArray[np.float32],
    seed: int,
    number: int,
    source: int,
    distribution: int,
    deviations: CellNumbers,
    rows: _Ints,
    outputs: _Floats,
    rest: _Floats,
    threads: int,
    isa: str,
    year: int = 0,
    correlation: float = 0.0,
) -> _Floats:
    """Write the cells of a draw to values; return the sums of rows, cell times output.

    With `rest` (n; may be empty) rows are multiplied by output over their sum and the rest.
    """

def move_cells(
    tiles: Tiles,
    values: npt.NDArray[np.float32],
    size: float,
    loadings: CellNumbers,
    rows: _Ints,
    outputs: _Floats,
    threads: int,
) -> _Floats:
    """Multiply values in place by 1 + size · loading; return the sums of rows."""

def scale_rows(
    tiles: Tiles, values: npt.NDArray[np.float32], by: _Floats, threads: int
) -> None: ...
def draw_sums(
    seed: int,
    number: int,
    source: int,
    distribution: int,
    cells: _Floats,
    codes: _Int32s,
    groups: int,
    deviations: float | _Floats,
    sizes: _Floats,
    loadings: list[float | _Floats],
    threads: int,
    isa: str,
    year: int = 0,
    correlation: float = 0.0,
) -> tuple[_Floats, _Floats]:
    """Draw a dense array; return sums by group without shared errors, and with."""

def draw_factors(
    seed: int,
    number: int,
    source: int,
    distribution: int,
    deviations: _Floats,
    isa: str,
    year: int = 0,
    correlation: float = 0.0,
) -> _Floats: ...
