"""A table of GTAP between regions, cell by cell as the method reads, from accounts of version 7."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["mrio"]

Array = npt.NDArray[Any]


def mrio(a: dict[str, Array], carriers: list[int]) -> dict[str, Array]:
    """Return Z, Y, primary inputs V of rows and V_Y of final users, in the order of the reader.

    Parameters
    ----------
    a : dict of str to array
        By header.
    carriers : list of int
        The commodities of the first dimension of VTWR and VST.
    """
    C, A, R = a["VDFB"].shape
    users = range(A + 3)
    bought = {
        f"{kind}{price}": np.concatenate(
            [a[f"V{kind}F{price}"], *(a[f"V{kind}{u}{price}"][:, None] for u in "PGI")], axis=1
        )
        for kind in "DM"
        for price in "BP"
    }
    use = np.zeros((R, C, R, A + 3))  # seller, commodity, buyer's region, buyer
    carried = np.zeros((len(carriers), R, A + 3))
    exported, duties, products = (np.zeros((R, A + 3)) for _ in range(3))
    for r in range(R):
        for u in users:
            for c in range(C):
                use[r, c, r, u] += bought["DB"][c, u, r]
                imports = sum(bought["MB"][c, v, r] for v in users)
                share = bought["MB"][c, u, r] / imports
                duties[r, u] += bought["MB"][c, u, r]
                for s in range(R):
                    use[s, c, r, u] += share * a["VXSB"][c, s, r]
                    exported[r, u] += share * (a["VFOB"][c, s, r] - a["VXSB"][c, s, r])
                    duties[r, u] -= share * a["VFOB"][c, s, r]
                    for m in range(len(carriers)):
                        carried[m, r, u] += share * a["VTWR"][m, c, s, r]
                        duties[r, u] -= share * a["VTWR"][m, c, s, r]
                for kind in "DM":
                    paid, basic = bought[f"{kind}P"], bought[f"{kind}B"]
                    products[r, u] += paid[c, u, r] - basic[c, u, r]
    for m, c in enumerate(carriers):
        for s in range(R):
            for r in range(R):
                for u in users:
                    use[s, c, r, u] += a["VST"][m, s] * carried[m, r, u] / carried[m].sum()
    factors = [a["EVFB"][e].T for e in range(len(a["EVFB"]))]
    taxes = [(a["EVFP"] - a["EVFB"]).sum(axis=0).T]
    output_taxes = (a["MAKB"] - a["MAKS"]).sum(axis=0).T
    by_user = [products, exported, duties]
    rows = [*factors, *taxes, *(one[:, :A] for one in by_user), output_taxes]
    V_Y = np.zeros((len(rows), 3 * R))
    for at, one in enumerate(by_user, start=len(factors) + 1):
        V_Y[at] = one[:, A:].ravel()
    maker = np.zeros((R, A, C))  # what part of an activity's output is each commodity
    for r in range(R):
        for i in range(A):
            maker[r, i] = a["MAKB"][:, i, r] / a["MAKB"][:, i, r].sum()
    Z = np.zeros((R, C, R, C))
    for r in range(R):
        Z[:, :, r] = use[:, :, r, :A] @ maker[r]
    return {
        "Z": Z.reshape(R * C, R * C),
        "Y": use[:, :, :, A:].reshape(R * C, R * 3),
        "V": np.array([as_rows(one, maker) for one in rows]),
        "V_Y": V_Y,
        "maker": maker,
    }


def as_rows(of_activities: Array, maker: Array) -> Array:
    """Turn (R, A) into rows of the table."""
    return np.concatenate([one @ made for one, made in zip(of_activities, maker, strict=True)])
