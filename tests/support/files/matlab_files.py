"""Made-up files of MATLAB 7.3 (REX3, EMERGING), for tests; h5py writes them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

REGIONS = ["Afghanistan", "Côte d'Ivoire", "China"]
SECTORS = ["Cultivation of wheat", "Mining, other"]
INDICATORS = ["Climate change impacts [Mt CO2eq]", "Value added [Mio Euro]"]
USES = ["Households", "Government", "Capital"]


def write_matlab(path: Path, group: str | None = None, **variables: Any) -> Path:
    """Write matrices and lists of text as MATLAB does: transposed, text behind references."""
    h5py = pytest.importorskip("h5py")
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=512) as data:
        home = data if group is None else data.create_group(group)
        kept = data.create_group("#refs#")
        for name, value in variables.items():
            if isinstance(value, list):
                cells = home.create_dataset(name, (1, len(value)), dtype=h5py.ref_dtype)
                for at, text in enumerate(value):
                    letters = np.frombuffer(text.encode("utf-16le"), "<u2")[:, None]
                    cells[0, at] = kept.create_dataset(f"{name}{at}", data=letters).ref
            else:
                home.create_dataset(name, data=np.asarray(value).T, chunks=(1, 1))
    return path


class World:
    """Random numbers of three regions and two sectors; a few are zero."""

    def __init__(self, uses: int = 1) -> None:
        rng = np.random.default_rng(3)
        n, m = 6, 3 * uses

        def numbers(*shape: int) -> Any:
            return np.where(rng.random(shape) < 0.2, 0.0, rng.uniform(1, 9, shape))

        self.Z, self.Y = numbers(n, n), numbers(n, m) + 1
        self.F, self.F_Y = numbers(2, n), numbers(2, m)
        self.x = self.Z.sum(axis=1) + self.Y.sum(axis=1)

    @property
    def rows(self) -> list[tuple[str, str]]:
        return [(region, sector) for region in REGIONS for sector in SECTORS]

    def rex3(self, folder: Path, *, zipped: bool = False) -> None:
        year, labels = folder / "REX3_2020", folder / "REX3_Labels"
        for part, value in {"T": self.Z, "Y": self.Y, "Q": self.F, "Q_Y": self.F_Y}.items():
            write_matlab(year / f"{part}_REX3.mat", **{f"{part}_REX3": value})
        write_matlab(labels / "Labels_Countries_REX3.mat", Labels_Countries=REGIONS)
        quoted = [f'"{name}"' if "," in name else name for name in SECTORS]
        write_matlab(labels / "Labels_Sectors_REX3.mat", Labels_Sectors=quoted)
        write_matlab(labels / "Labels_Q_REX3.mat", Labels_Q=INDICATORS)
        for path in (year, labels) if zipped else ():
            shutil.make_archive(str(path), "zip", path)
            shutil.rmtree(path)

    def emerging(self, folder: Path, group: str | None = None) -> Path:
        """Write the table, and CO2 by two fuels in another file."""
        import scipy.io

        path = write_matlab(
            folder / "EMERGING_V2_2020_m.mat", group,
            z=self.Z, f=self.Y, va=self.F[1:], X=self.x[:, None],
            country_list=REGIONS, sector_list=SECTORS, final_list=USES,
        )  # fmt: skip
        fuels = np.stack([self.F[0] / 4, self.F[0] * 0.75], axis=1)
        scipy.io.savemat(folder / "EMERGING_CO2_2020.mat", {"CO2": fuels})
        return path
