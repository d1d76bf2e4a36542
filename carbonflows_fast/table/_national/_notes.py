"""What a national table takes for granted, in sentences for its notes."""

from __future__ import annotations

import logging

import numpy as np

from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast._base.wording import count
from carbonflows_fast.errors import shorten
from carbonflows_fast.table._national._country import Country

__all__ = ["about_exports", "about_imports", "about_output", "about_products_not_made"]

BALANCE = 1e-3
"""What outputs may differ by, as a share of all of them; published numbers are rounded."""

logger = logging.getLogger(__name__)


def about_exports(c: Country, region: str) -> str:
    if c.export_names:
        return f"Exports of {region} are final demand of the other region."
    return (
        f"No exports are given: all of Y ({shorten(c.categories)}) is final demand of {region} "
        "itself."
    )


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


def about_output(c: Country, output: FloatArray, sold: FloatArray) -> list[str]:
    """Say how far outputs that were given differ from what is sold."""
    gap = np.abs(output - sold)
    share = float(gap.sum() / max(np.abs(output).sum(), np.abs(sold).sum(), 1e-300))
    if share <= BALANCE:
        return []
    at = int(gap.argmax())
    note = (
        f"x differs from what is sold of domestic products by {share:.2g} of all output, most at "
        f"{c.sectors[at]} ({output[at]:.6g} and {sold[at]:.6g}): Z and Y should be without imports "
        "where imports are given by user."
    )
    logger.warning("%s", note)
    return [note]


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
