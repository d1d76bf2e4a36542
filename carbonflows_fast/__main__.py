"""The command line by ``python -m carbonflows_fast``, for the Python that is meant."""

import sys

from carbonflows_fast.cli import main

if __name__ == "__main__":  # not where a process of a pool imports it
    sys.exit(main())
