"""Sector studies: what groups of sectors carry along all supply chains."""

from carbonflows_fast.sectors._study import SectorStudy, sector_study

__all__ = ["SectorStudy", "sector_study"]
