"""Tables that MARIO saves (the package mariopy): folders of text or Parquet."""

from carbonflows_fast.readers.mario._find import FORMAT

__all__ = ["FORMAT"]
