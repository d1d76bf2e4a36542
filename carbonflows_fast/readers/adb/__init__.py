"""The Asian Development Bank's MRIO."""

from carbonflows_fast.readers.adb._find import FORMAT

__all__ = ["FORMAT"]
