"""One call over inputs that are all there: rows in the caller's order.

Must not know how batches are prepared or computed.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from sensorium.engine.faults import release_frames, report
from sensorium.engine.options import RunOptions
from sensorium.engine.plan import Job, Reader
from sensorium.engine.progress import Progress
from sensorium.engine.report import RunResult
from sensorium.engine.steps import Steps
from sensorium.engine.threads import limit_torch_threads
from sensorium.engine.walk import Walk


def run(values: Sequence[Any], steps: Steps, options: RunOptions | None = None) -> RunResult:
    """Compute one row for each value.

    All values are read first, which is cheap; equal ones are computed once; the rest is grouped, ordered by cost, cut
    into batches, and computed while worker threads prepare the next.

    Args:
        values: The inputs; empty gives no rows.
        steps: The model's side.
        options: Sizes and policy; None for the defaults.

    Returns:
        Rows in the order of `values`, and the failures. A row is None where an input failed, or where the time was up
        before it was computed.

    Raises:
        InputError: An input cannot be used, and `options.on_error` is `"raise"`. Its `index` is the input's position;
            of several, the first that was met, which is the lowest while inputs are read.
        EngineError: A single input does not fit into memory, or the model gave a wrong number of rows.
        Exception: Whatever a step raised that blames no input. All threads are joined before anything is raised.

    Example:
        ```python
        result = run(texts, steps, RunOptions(batch_size=32, workers=2, on_error="skip"))
        failed = [error.index for error in result.errors]
        ```
    """
    options = options or RunOptions()
    torch_limit = (
        contextlib.nullcontext() if options.torch_threads is None else limit_torch_threads(options.torch_threads)
    )
    with torch_limit, Progress(options.show_progress, len(values)) as progress:
        return _run(values, steps, options, progress)


def _run(values: Sequence[Any], steps: Steps, options: RunOptions, progress: Progress) -> RunResult:
    is_raising = options.on_error == "raise"

    def on_done(job: Job) -> None:
        if job.error is not None:
            if is_raising:
                raise job.error
            release_frames(job.error)
        progress.advance(job.copies)

    reader = Reader(steps)
    jobs: list[Job] = []
    new: list[Job] = []
    for index, value in enumerate(values):
        job, is_new = reader.read(value, index)
        jobs.append(job)
        if is_new:
            new.append(job)
        elif job.error is not None:
            on_done(job)
    if new:
        # A thread cannot help where there is nothing to do meanwhile.
        with Walk(steps, options, options.workers if len(new) > 1 else 0, on_done) as walk:
            walk.feed(new)
            new.clear()
            while walk.advance():
                pass
    errors = tuple(report(job.error, index) for index, job in enumerate(jobs) if job.error is not None)
    return RunResult([job.row for job in jobs], errors)
