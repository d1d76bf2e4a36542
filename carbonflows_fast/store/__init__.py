"""Saved tables: memory-mapped, replaced as a whole, and converted many at a time."""

from carbonflows_fast.store._generations import is_store
from carbonflows_fast.store._saved import manifest_of, open, save

__all__ = ["is_store", "manifest_of", "open", "save"]
