"""A country and its imports, one product and one inverse at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["embodied", "shares_by_cell"]

Array = npt.NDArray[np.float64]


def embodied(
    given: dict[str, Any], domestic: Array, imported: Array, factors: dict[int, Array] | None = None
) -> tuple[Array, Array]:
    """Emissions at home and abroad, by stressor, for what is bought of domestic and imported goods.

    `given` has Zd, Zm, x and F of the country; a product of `factors` is made with its factor, any
    other as at home.
    """
    n = len(given["x"])
    inputs, intensity = given["Zd"] / given["x"], given["F"] / given["x"]
    made_at_home = np.linalg.inv(np.eye(n) - inputs) @ domestic
    needed = given["Zm"] / given["x"] @ made_at_home + imported
    technology, emitted = (given["Zd"] + given["Zm"]) / given["x"], intensity.copy()
    for product, factor in (factors or {}).items():
        technology[:, product] = 0.0
        emitted[:, product] = factor
    made_abroad = np.linalg.inv(np.eye(n) - technology) @ needed
    return intensity @ made_at_home, emitted @ made_abroad


def shares_by_cell(Z: Array, Y: Array, exports: Array, imports: Array) -> tuple[Array, ...]:
    """Imported parts of Z, Y and exports, cell by cell: first home uses, what is left goes on."""
    parts = tuple(np.zeros_like(block) for block in (Z, Y, exports))
    for i, imported in enumerate(imports):
        used = sum(Z[i]) + sum(Y[i])
        at_home = min(imported, used)
        for part, block in zip(parts[:2], (Z, Y), strict=True):
            for j, cell in enumerate(block[i]):
                part[i, j] = cell * at_home / used
        for j, cell in enumerate(exports[i]):
            parts[2][i, j] = cell * (imported - at_home) / sum(exports[i])
    return parts
