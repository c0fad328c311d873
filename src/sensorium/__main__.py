"""`python -m sensorium`: the command line, for when the script `sensorium` is not on the path. Must not hold logic."""

from __future__ import annotations

import sys

from sensorium.cli import main

if __name__ == "__main__":
    sys.exit(main())
