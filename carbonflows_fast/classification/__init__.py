"""Classifications shipped with the package: plain CSV files, and the functions that read them.

They hold facts (codes, names, countries, factors) and a few judgements with their reasons (classes
of sectors, the sectors of a study); README.md beside them says which. A reader never uses them to
rename what a file says, but for the three-letter region codes in some years of EXIOBASE 3.4.
"""

from __future__ import annotations

from carbonflows_fast.classification._cbam import cbam_goods, cbam_share
from carbonflows_fast.classification._files import available, load
from carbonflows_fast.classification._gases import (
    CHARACTERISATIONS,
    Characterisation,
    carbon_dioxide,
    characterisation,
    sums_in_equivalents,
)
from carbonflows_fast.classification._groups import membership_note, region_groups
from carbonflows_fast.classification._regions import (
    country_of,
    one_region,
    regions_in,
    renamed_regions,
)
from carbonflows_fast.classification._sectors import (
    CLASSES,
    STUDIES,
    sector_classes,
    study_sectors,
    system_of,
)

__all__ = [
    "CHARACTERISATIONS",
    "CLASSES",
    "STUDIES",
    "Characterisation",
    "available",
    "carbon_dioxide",
    "cbam_goods",
    "cbam_share",
    "characterisation",
    "country_of",
    "load",
    "membership_note",
    "one_region",
    "region_groups",
    "regions_in",
    "renamed_regions",
    "sector_classes",
    "study_sectors",
    "sums_in_equivalents",
    "system_of",
]
