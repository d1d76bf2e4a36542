"""A small table as mrio-toolbox saves it: NetCDF whose parts have one dimension twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

Parts = dict[str, tuple[tuple[str, ...], Any]]

LABELS = {
    "countries": ["FR", "Côte d'Ivoire", "NA"],
    "sectors": ["goods", "services"],
    "y_labs": ["homes", "state"],
    "va_labs": ["tax", "wage"],
    "q_labs": ["CO2", "CH4"],
    "q_labs_land": ["forest"],
}
ROWS, USERS = ("countries", "sectors"), ("countries", "y_labs")


def parts() -> Parts:
    """A table that balances, whose regions buy most at home."""
    rng = np.random.default_rng(7)
    home = np.eye(3)[:, None, :, None]
    size = np.array([1.0, 4, 9])[:, None, None, None]  # of sellers
    t = size * (rng.uniform(0, 0.2, (3, 2, 3, 2)) + home)
    y = size * (rng.uniform(0, 0.2, (3, 2, 3, 2)) + 3 * home)
    added = t.sum(axis=(2, 3)) + y.sum(axis=(2, 3)) - t.sum(axis=(0, 1))
    shares = np.array([0.25, 0.75])[:, None, None]
    return {
        "t": (ROWS + ROWS, t),
        "y": (ROWS + USERS, y),
        "va": (("va_labs", *ROWS), shares * added),
        "vay": (("va_labs", *USERS), rng.uniform(0, 1, (2, 3, 2))),
        "q": (("q_labs", *ROWS), rng.uniform(0, 1, (2, 3, 2))),
        "qy": (("q_labs", *USERS), rng.uniform(0, 1, (2, 3, 2))),
        "q_land": (("q_labs_land", *ROWS), rng.uniform(0, 1, (1, 3, 2))),
    }


def write(made: Parts, path: Path, labels: dict[str, list[str]] = LABELS, **notes: Any) -> Path:
    import h5netcdf
    import h5py

    path.parent.mkdir(parents=True, exist_ok=True)
    with h5netcdf.File(path, "w") as file:
        file.dimensions = {name: len(texts) for name, texts in labels.items()}
        for name, texts in labels.items():
            axis = file.create_variable(name, (name,), dtype=h5py.string_dtype())
            axis[...] = np.array(texts, dtype=object)
        for name, (dimensions, values) in made.items():
            part = file.create_variable(name, dimensions, dtype=np.asarray(values).dtype)
            part[...] = values
            part.attrs["unit"] = "kt"
        file.attrs.update(notes)
    return path
