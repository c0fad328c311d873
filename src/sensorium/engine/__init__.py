"""How a call runs: plan, prepare, compute, finish. Knows steps, not models, and imports no torch by itself."""

from sensorium.engine.options import RunOptions
from sensorium.engine.report import EncodeResult, ItemError, RunResult
from sensorium.engine.run import run
from sensorium.engine.steps import Steps
from sensorium.engine.stream import stream

__all__ = ["EncodeResult", "ItemError", "RunOptions", "RunResult", "Steps", "run", "stream"]
