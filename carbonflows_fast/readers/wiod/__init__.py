"""WIOD, releases 2013 and 2016."""

from carbonflows_fast.readers.wiod._find import FORMAT_2013, FORMAT_2016

__all__ = ["FORMAT_2013", "FORMAT_2016"]
