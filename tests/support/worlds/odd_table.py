"""Tables with everything wrong that `repair` mends, in places where it can be mended."""

from __future__ import annotations

from typing import Any

import numpy as np

from carbonflows_fast.table import Table

SECTORS = ("odd", "idle", "food", "steel")  # the last two are sound
DEMAND = ("households", "inventories")
ODDITIES = (
    "duplicates",
    "balance",
    "negative_output",
    "purchases_without_output",
    "emissions_without_output",
    "implausible_intensities",
    "column_sums",
    "negatives",
)


def odd_table(
    rng: np.random.Generator, odd: set[str], *, regions: int = 3, size: float = 1.0, form: str = "Z"
) -> Table:
    """Return a table with the oddities named; `size` scales those that have one.

    Two regions are odd at most, the others are sound. `form` "A" gives A and S.
    """
    labels = [(f"R{r}", sector) for r in range(regions) for sector in SECTORS]
    n, m = len(labels), regions * len(DEMAND)
    demand = [(f"R{r}", category) for r in range(regions) for category in DEMAND]
    Z = rng.uniform(0.0, 3.0, (n, n)) * (rng.random((n, n)) < 0.7)
    Y = rng.uniform(1.0, 20.0, (n, m))
    F, F_Y = rng.uniform(1.0, 9.0, (2, n)), rng.uniform(0.0, 5.0, (2, m))
    odd_rows, idle = [0, 4][: max(1, regions - 1)], [1, 5][: max(1, regions - 1)]

    Z[idle], Y[idle], Z[:, idle], F[:, idle] = 0.0, 0.0, 0.0, 0.0  # no output, and no harm
    if "implausible_intensities" in odd:  # next to no output, but its emissions
        Z[0], Y[0], Z[:, 0] = 1e-9 * Z[0], 1e-9 * Y[0], 1e-9 * Z[:, 0]
    if "purchases_without_output" in odd:
        bought = rng.uniform(0.0, 2.0 * size, (n, len(idle)))
        bought[idle] = 0.0
        Z[:, idle] = bought
    if "emissions_without_output" in odd:
        F[:, idle] = size * rng.uniform(0.1, 1.0, (2, len(idle)))
    if "negatives" in odd:
        Z[2, 3], Y[3, 1], F[0, 2], F_Y[1, 0] = -1e-9, -2e-9, -1e-9, -1e-10
    if "column_sums" in odd:
        wanted = (Z.sum(axis=1) + Y.sum(axis=1))[odd_rows] * rng.uniform(1.0, 1.0 + size)
        suppliers = [at for at in range(n) if at not in (*odd_rows, *idle)]
        # What is bought more is demanded less, so that the rows stay balanced.
        more = (wanted - Z[:, odd_rows].sum(axis=0)) / len(suppliers)
        Z[np.ix_(suppliers, odd_rows)] += more
        Y[suppliers, 0] += 2 * more.sum()
    if "negative_output" in odd:
        Z[0], Y[0] = 0.0, 0.0
        Y[0, :2] = size, -3 * size
    x = Z.sum(axis=1) + Y.sum(axis=1)
    if "balance" in odd:
        x[[2, 6][: max(1, regions - 1)]] *= 1 + 0.1 * size
    if "duplicates" in odd:
        labels[3] = labels[2]
        demand[1] = demand[0]
    emissions: dict[str, Any] = {"Z": Z, "F": F}
    if form == "A":
        inverse = np.divide(1.0, x, out=np.zeros(n), where=x != 0)
        emissions = {"A": Z * inverse, "S": F * inverse}
    return Table(
        **emissions, Y=Y, x=x, F_Y=F_Y, demand=demand, stressors=["CO2", "CH4"],
        stressor_units=["kt", "t"], row_units="M.EUR", name="odd",
        regions=[region for region, _ in labels], sectors=[sector for _, sector in labels],
    )  # fmt: skip
