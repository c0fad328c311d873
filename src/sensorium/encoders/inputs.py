"""Give any first module the methods that the engine's walk needs.

Our own input modules have them. A third party's module, written for the compatible library, has only `preprocess` or
`tokenize`; it is wrapped, and gets the caller's values undecoded, as it expects. Must not know how a call runs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensorium.media.modality import infer_modality
from sensorium.media.samples import MediaCost, Part, Sample
from sensorium.media.unsupported import raise_unsupported_modality_error
from sensorium.modules.input_module import InputModule

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from torch import nn


def adapt_input_module(module: nn.Module) -> Any:
    """Return `module` if it is one of ours, or a wrapper with the same methods around it."""
    return module if isinstance(module, InputModule) else ForeignInput(module)


class ForeignInput:
    """Wraps a third party's input module. Samples hold the caller's value in a single, already loaded part."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.modalities = list(getattr(module, "modalities", ["text"]))

    def read(self, value: Any) -> Sample:
        """Judge the modality and keep the value."""
        modality = infer_modality(value, self.modalities)
        return Sample(modality, (Part("text", value, True),))

    def check(self, sample: Sample) -> None:
        """Raise UnsupportedModalityError unless the module takes the sample's modality."""
        if sample.modality not in self.modalities:
            value = sample.parts[0].value
            raise_unsupported_modality_error([value], sample.modality, self.modalities, type(self.module).__name__)

    def group(self, sample: Sample) -> Hashable:
        """Keep modalities apart."""
        return sample.modality

    def count_tokens(self, sample: Sample, cost: MediaCost) -> int:
        """Take a quarter of the characters of a text; anything else counts alike."""
        value = sample.parts[0].value
        return len(value) // 4 + 1 if isinstance(value, str) else 1

    def load_sample(self, sample: Sample, settings: Any = None, **kwargs: Any) -> Sample:
        """Decode nothing: the module does that itself."""
        return sample

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, Any]:
        """Call the module on the callers' values."""
        values = [value.parts[0].value if isinstance(value, Sample) else value for value in inputs]
        if hasattr(self.module, "preprocess"):
            return self.module.preprocess(values, prompt=prompt, **kwargs)
        if prompt:
            values = [prompt + value for value in values]
        return self.module.tokenize(values)
