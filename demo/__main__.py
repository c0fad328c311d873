"""Run the demo. A place-holder: it says that there is no demo yet, and fails, so that nobody takes it for one."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    sys.exit("The demo is not built yet.")
