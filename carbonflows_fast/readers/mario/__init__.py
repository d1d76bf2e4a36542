"""Tables of MARIO (the package mariopy): saved ones, and those in memory."""

from carbonflows_fast.readers.mario._database import from_mario
from carbonflows_fast.readers.mario._find import FORMAT

__all__ = ["FORMAT", "from_mario"]
