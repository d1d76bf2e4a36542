"""Sector studies: emissions along all supply chains through some sectors."""

from carbonflows_fast.sectors._study import SectorStudy, sector_study

__all__ = ["SectorStudy", "sector_study"]
