"""What a national table takes for granted, in sentences for its notes."""

from __future__ import annotations

import logging

import numpy as np

from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast._base.wording import count
from carbonflows_fast.errors import shorten
from carbonflows_fast.table._national._country import Country

__all__ = ["about_imports", "about_products_not_made"]

logger = logging.getLogger(__name__)


def about_imports(c: Country, region: str, abroad: str, by_factor: BoolArray) -> list[str]:
    if not c.products:
        return [f"Imports are not in the table: footprints count emissions in {region} alone."]
    with_factor, p = int(by_factor.sum()), len(c.products)
    notes = []
    if with_factor:
        notes.append(
            f"{with_factor} of {count(p, 'imported product')} have given factors in {abroad}, "
            "which stand for their whole supply chain."
        )
    if with_factor < p:
        notes.append(
            f"{abroad} makes {'all others' if with_factor else 'the imports'}, and what goes into "
            f"them, with the inputs and emissions per unit of output of {region} (domestic "
            "technology)."
        )
    return notes


def about_products_not_made(
    c: Country,
    region: str,
    output: FloatArray,
    imported: FloatArray,
    made: FloatArray,
    by_factor: BoolArray,
) -> list[str]:
    """Say which imports have no emissions because there is no technology at home to take."""
    if by_factor.all():
        return []
    unknown = np.flatnonzero((made != 0.0) & (output == 0.0) & ~by_factor)
    if not len(unknown):
        return []
    total = float(np.abs(imported).sum())
    share = float(np.abs(imported[unknown]).sum()) / total if total else 0.0
    note = (
        f"Imports of {shorten([c.sectors[at] for at in unknown])} ({share:.1%} of all imports) "
        f"have no emissions, since {region} makes none of them: give factors with "
        "technology={product: factor}."
    )
    logger.warning("%s", note)
    return [note]
