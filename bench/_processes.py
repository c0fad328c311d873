"""Fresh Python processes: run a snippet in one, and read the JSON line that it prints last.

Both sides get the same interpreter, environment and flags, and start in an empty folder. Must not know what is
measured.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any


def run_python(arguments: Sequence[str], timeout_s: float = 1800) -> tuple[dict[str, Any], float, str]:
    """Run this interpreter and wait for its end.

    Args:
        arguments: What follows `python`: `["-c", code, ...]` or `[path, ...]`.
        timeout_s: Seconds after which the process is killed.

    Returns:
        What the last line of its output holds as JSON, when it was started (seconds of `time.monotonic`, a clock that
        all processes share), and what it wrote to its error stream.

    Raises:
        RuntimeError: It failed; the message holds the end of its error stream.
    """
    # No look at the hub: the checkpoints are folders.
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"python {list(arguments)[:2]} ended with {done.returncode}:\n{done.stderr[-3000:]}")
    return json.loads(done.stdout.splitlines()[-1]), start, done.stderr
