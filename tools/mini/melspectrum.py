"""The log-mel spectrum that the audio route's feature extractor computes, before it normalises: base 10, 80 bands,
but with frames twice as often, so that training can choose among them.

Kept apart so that training mixes noise into the power of the spectra it has stored. `tests` compare it with the
extractor. Source: `WhisperFeatureExtractor` of transformers (25 ms Hann windows every 10 ms, Slaney's mel bands), as in
Radford et al. 2022, section 2.2.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from transformers.audio_utils import mel_filter_bank

RATE = 16_000  # Hz
WINDOW_S = 2.0
BANDS = 80
HOP = 160
#: Frames of a whole window.
FRAMES = int(WINDOW_S * RATE) // HOP
#: The network sees every second frame: the extractor's hop is twice as long.
SEEN_HOP = 2 * HOP
SEEN_FRAMES = FRAMES // 2
_FFT = 400
#: The least power, as in the extractor.
LEAST = 1e-10


@cache
def _bank() -> torch.Tensor:
    filters = mel_filter_bank(1 + _FFT // 2, BANDS, 0.0, 8000.0, RATE, norm="slaney", mel_scale="slaney")
    return torch.from_numpy(filters).float()


def compute_log_mel(samples: np.ndarray) -> np.ndarray:
    """Compute the spectrum of a sound.

    Args:
        samples: `[n]` float32 at `RATE` Hz.

    Returns:
        `[BANDS, n // HOP]` float32, log10 of power, at least log10 of `LEAST`.
    """
    waves = torch.from_numpy(samples)
    if len(waves) < _FFT:
        waves = torch.nn.functional.pad(waves, (0, _FFT - len(waves)))
    stft = torch.stft(waves, _FFT, HOP, window=torch.hann_window(_FFT), return_complex=True)
    power = stft[:, :-1].abs() ** 2
    return (_bank().T @ power).clamp(min=LEAST).log10().numpy()


def normalise(log_mel: torch.Tensor) -> torch.Tensor:
    """Normalise spectra `[batch, BANDS, frames]` as the extractor does: 8 decades at most, about -1 to 1."""
    highest = log_mel.amax(dim=(1, 2), keepdim=True)
    return (torch.maximum(log_mel, highest - 8.0) + 4.0) / 4.0
