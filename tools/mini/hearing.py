"""What a spoken word may sound like when it is heard: faster, deeper, later, farther away, in noise.

Works on batches of log-mel spectra as tensors, where noise and echoes add in power. Must not know words or networks.
"""

from __future__ import annotations

import torch
from tools.mini.melspectrum import BANDS, FRAMES, LEAST, SEEN_FRAMES, normalise
from torch.nn import functional

#: Log10 of the least power, which silence has.
FLOOR = -10.0


def pad(spectra: list[torch.Tensor]) -> torch.Tensor:
    """Stack spectra `[BANDS, n_i]` into `[batch, BANDS, FRAMES]`, silence behind each."""
    batch = torch.full((len(spectra), BANDS, FRAMES), FLOOR)
    for row, spectrum in zip(batch, spectra, strict=True):
        row[:, : spectrum.shape[1]] = spectrum[:, :FRAMES]
    return batch


def hear_plain(spectra: torch.Tensor) -> torch.Tensor:
    """Hear padded spectra as a test does: every second frame, normalised."""
    return normalise(spectra[:, :, ::2])


def hear(spectra: torch.Tensor, frames: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Hear padded spectra as they may come in training.

    Args:
        spectra: `[batch, BANDS, FRAMES]`, log10 of power.
        frames: `[batch]`, how many frames of each are sound.
        generator: Of every draw.

    Returns:
        `[batch, BANDS, SEEN_FRAMES]`, normalised.
    """
    batch = len(spectra)
    log = _warp(spectra, frames, generator)
    tilt = _uniform(batch, -1.0, 1.0, generator)[:, None] * torch.linspace(-0.6, 0.6, BANDS)
    ripple = torch.randn(batch, 1, 6, generator=generator) * 0.2
    ripple = functional.interpolate(ripple, size=BANDS, mode="linear", align_corners=True)[:, 0]
    power = 10 ** (log + (tilt + ripple)[:, :, None])
    power = _echo(power, generator)
    power = power + _draw_noise(power, generator)
    return normalise(_mask(power.clamp(min=LEAST).log10(), generator))


def _uniform(batch: int, low: float, high: float, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(batch, generator=generator) * (high - low) + low


def _warp(spectra: torch.Tensor, frames: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Change speed, the length of the voice's tract, and when the word begins; take every second frame."""
    batch = len(spectra)
    speed = torch.exp(_uniform(batch, -0.2, 0.2, generator))
    tract = torch.exp(_uniform(batch, -0.13, 0.13, generator))
    free = (FRAMES - frames / speed).clamp(min=0)
    start = torch.rand(batch, generator=generator) ** 2 * free.clamp(max=60)
    time = (torch.arange(SEEN_FRAMES) * 2.0)[None, :] - start[:, None]
    time = time * speed[:, None]
    band = torch.arange(BANDS)[None, :] * tract[:, None]
    grid = torch.stack(
        [
            (2 * time / (FRAMES - 1) - 1)[:, None, :].expand(batch, BANDS, SEEN_FRAMES),
            (2 * band / (BANDS - 1) - 1)[:, :, None].expand(batch, BANDS, SEEN_FRAMES),
        ],
        dim=-1,
    )
    # Outside of a spectrum grid_sample puts zero, which is silence once the floor is taken off.
    return functional.grid_sample((spectra - FLOOR)[:, None], grid, align_corners=True)[:, 0] + FLOOR


def _echo(power: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Let half of the batch be heard in a room: its power decays instead of stopping."""
    taps = 16
    decay = 0.25 + 0.55 * torch.rand(1, generator=generator).item()
    strength = 0.05 + 0.35 * torch.rand(1, generator=generator).item()
    kernel = torch.cat([torch.ones(1), strength * decay ** torch.arange(1, taps)]).flip(0)
    batch = len(power)
    half = functional.pad(power[: batch // 2].reshape(-1, 1, SEEN_FRAMES), (taps - 1, 0))
    echoed = functional.conv1d(half, kernel.view(1, 1, -1)).view(batch // 2, BANDS, SEEN_FRAMES)
    return torch.cat([echoed, power[batch // 2 :]])


def _draw_noise(power: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Draw noise 14 to 65 dB below each sound's loudest: of a smooth spectrum, and now and then another sound."""
    batch = len(power)
    shape = torch.randn(batch, 1, 5, generator=generator) * 0.6
    shape = functional.interpolate(shape, size=BANDS, mode="linear", align_corners=True)[:, 0, :, None]
    slope = _uniform(batch, -1.5, 0.3, generator)[:, None, None] * torch.linspace(0, 1, BANDS)[None, :, None]
    flicker = -torch.log(torch.rand(power.shape, generator=generator) + 1e-6)
    loudest = power.mean(dim=1).amax(dim=1)[:, None, None]
    below = _uniform(batch, 1.4, 6.5, generator)[:, None, None]
    noise = loudest * 10 ** (-below + shape + slope) * flicker
    others = power.roll(1, dims=0) * (loudest / loudest.roll(1, dims=0).clamp(min=LEAST))
    is_babble = (torch.rand(batch, generator=generator) < 0.15)[:, None, None]
    return noise + torch.where(is_babble, others * 10 ** -_uniform(batch, 1.0, 2.0, generator)[:, None, None], 0.0)


def _mask(log: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Silence a few bands and a few frames of each (SpecAugment, Park et al. 2019)."""
    batch = len(log)
    band, width = torch.rand(2, batch, 1, generator=generator)
    place = torch.arange(BANDS)[None, :] - band * BANDS
    is_off = ((place >= 0) & (place < width * 12))[:, :, None]
    frame, length = torch.rand(2, batch, 1, generator=generator)
    place = torch.arange(SEEN_FRAMES)[None, :] - frame * SEEN_FRAMES
    is_off = is_off | ((place >= 0) & (place < length * 8))[:, None, :]
    return log.masked_fill(is_off, FLOOR)
