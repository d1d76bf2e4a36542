"""GLORIA's own total of greenhouse gases, with which the gases that are known here are compared."""

from __future__ import annotations

import logging
from typing import Any

from carbonflows_fast.classification import CHARACTERISATIONS, characterisation
from carbonflows_fast.classification._files import places_of
from carbonflows_fast.errors import CarbonFlowsError
from carbonflows_fast.table import Table

__all__ = ["compare_with_own_total"]

logger = logging.getLogger(__name__)

TOTAL = "GHG_total_EDGAR_consistent"
NEAR = 0.05  # reports differ by some 3 % in the total, which does not say whose factors it has


def compare_with_own_total(where: str, table: Table) -> None:
    """Log how far the known gases in CO2-equivalents are from the row of their total.

    It is a warning if they are more than 5 % off by the factors of every report: then a gas has
    another name here than there, or counts twice.

    Parameters
    ----------
    where : str
        The file, for messages.
    table : Table
        With all stressors.
    """
    bare = [name.rpartition(": ")[2] for name in table.stressors]
    places = places_of(TOTAL, bare)
    if len(places) != 1:
        return
    sums = table.arrays.F.sum(axis=1) + table.arrays.F_Y.sum(axis=1)
    units = table.content.stressor_units
    own, unit = float(sums[places[0]]), units[places[0]]
    try:
        found = [characterisation(name, table.stressors, units) for name in CHARACTERISATIONS]
    except CarbonFlowsError as error:  # of a question that nobody has asked
        total = table.stressors[places[0]]
        logger.warning("%s: gases cannot be compared with %s: %s", where, total, error)
        return
    if own <= 0 or unit.split()[:1] != found[0].unit.split()[:1]:
        return
    by_name: dict[str, Any] = dict(zip(table.stressors, sums.tolist(), strict=True))
    gaps = {
        one.name: sum(weight * by_name[gas] for gas, weight in one.weights.items()) / own - 1.0
        for one in found
    }
    nearest = min(gaps, key=lambda name: abs(gaps[name]))
    logger.log(
        logging.INFO if abs(gaps[nearest]) <= NEAR else logging.WARNING,
        "%s: the sum of %d known greenhouse gases is %+.2g %% off the %.6g %s of %s, by %s, the "
        "nearest report",
        where,
        len(found[0].gases),
        100 * gaps[nearest],
        own,
        unit,
        table.stressors[places[0]],
        nearest,
    )
