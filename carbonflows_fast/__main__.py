"""Where the command line starts, as a script or by ``python -m carbonflows_fast``.

Before it handles Ctrl-C, it loads nothing that Python itself has not loaded.
"""

import sys

from carbonflows_fast._base import interrupts


def main() -> int:
    """Run the command of this process; every interrupt ends it with one line and status 130.

    Returns
    -------
    int
        As :func:`carbonflows_fast.cli.main`.
    """
    interrupts.end_at_once()
    from carbonflows_fast._base import limits

    try:
        limits.load_blas("numpy")
        from carbonflows_fast import cli

        interrupts.raise_them()
        status = cli.main()
    except BaseException as error:
        if interrupts.heard():
            status = interrupts.say()
        elif reason := limits.cause_of(error):
            interrupts.write(f"carbonflows-fast: {reason}")
            status = 2
        else:
            raise
    interrupts.leave(status)
    return status


if __name__ == "__main__":  # not where a process of a pool imports it
    sys.exit(main())
