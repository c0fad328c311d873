"""The command line: `sensorium COMMAND`. One file a command, each with a function `run`.

`--help` must answer at once, so nothing here imports torch, lancedb or numpy before a command needs it. Must not hold
logic of its own: commands read arguments, call lower rooms and print.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Its arguments, without the name of the program; those of the process if None.

    Returns:
        The exit code; see `exit_codes`.
    """
    from sensorium.cli.door import run

    return run(argv)
