"""What a picture may look like when it is met: another background, size, place, turn, colour, or as a frame of a clip.

Works on whole batches as tensors, on any device. Must not know words or networks.
"""

from __future__ import annotations

import math

import torch
from torch.nn import functional

#: Pixels a side, as the image route sees them.
SEEN = 64
#: What the image processor subtracts and divides by, of values between 0 and 1.
MEAN, DEVIATION = 0.5, 0.5
#: Scales of training: how much of the frame a picture's square takes.
SCALES = (0.4, 1.3)


def augment(pictures: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Make training views.

    Args:
        pictures: `[batch, side, side, 4]` uint8, colour not multiplied by alpha.
        generator: Of every draw; on the pictures' device.

    Returns:
        `[batch, 3, SEEN, SEEN]` float32, normalised as the image processor does.
    """
    batch, device = len(pictures), pictures.device
    values = pictures.permute(0, 3, 1, 2).float().div_(255.0)
    values[:, :3] *= values[:, 3:]  # multiplied by alpha, so that sampling mixes edges rightly
    layers = functional.grid_sample(values, _draw_grid(batch, device, generator), align_corners=False)
    alpha = layers[:, 3:]
    views = _shift_colours(layers[:, :3], alpha, generator)
    views += (1 - alpha) * _draw_colours(batch, device, generator)
    is_busy = torch.rand(batch, generator=generator, device=device) < 0.15
    if is_busy.any():
        patterns = _draw_patterns(int(is_busy.sum()), device, generator)
        views[is_busy] = torch.lerp(views[is_busy], patterns, 1 - alpha[is_busy])
    return views.sub_(MEAN).div_(DEVIATION)


def show_plain(pictures: torch.Tensor) -> torch.Tensor:
    """Show pictures as a test does: whole, upright, on white, as they would come from a file of the seen size."""
    values = pictures.permute(0, 3, 1, 2).float() / 255.0
    views = values[:, :3] * values[:, 3:] + (1 - values[:, 3:])
    views = functional.interpolate(views, size=(SEEN, SEEN), mode="bilinear", antialias=True, align_corners=False)
    return (views - MEAN) / DEVIATION


def colour_glyphs(alpha: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Give pictures of alpha alone `[batch, side, side]` uint8 a colour: mostly black, else any."""
    batch, device = len(alpha), alpha.device
    dark = torch.rand(batch, 1, 1, 3, generator=generator, device=device) * 60
    any_colour = torch.rand(batch, 1, 1, 3, generator=generator, device=device) * 255
    is_dark = torch.rand(batch, 1, 1, 1, generator=generator, device=device) < 0.6
    colour = torch.where(is_dark, dark, any_colour).to(torch.uint8)
    return torch.cat([colour.expand(*alpha.shape, 3), alpha.unsqueeze(-1)], dim=-1)


def _uniform(batch: int, low: float, high: float, device: torch.device, generator: torch.Generator) -> torch.Tensor:
    return torch.rand(batch, generator=generator, device=device) * (high - low) + low


def _draw_grid(batch: int, device: torch.device, generator: torch.Generator) -> torch.Tensor:
    """Draw where each output pixel is read from: size, place, a turn, now and then a mirror."""
    # Half of the views are near a test's: almost whole and upright. The rest are anything a clip's frame may be.
    is_near = torch.rand(batch, generator=generator, device=device) < 0.5
    scale = torch.where(
        is_near,
        _uniform(batch, 0.7, 1.1, device, generator),
        torch.exp(_uniform(batch, math.log(SCALES[0]), math.log(SCALES[1]), device, generator)),
    )
    stretch = torch.exp(_uniform(batch, -0.12, 0.12, device, generator))
    angle = torch.where(
        is_near, _uniform(batch, -0.12, 0.12, device, generator), _uniform(batch, -0.35, 0.35, device, generator)
    )
    room = (1 - scale).abs() * 0.9 + 0.06
    shift_x = _uniform(batch, -1, 1, device, generator) * room
    shift_y = _uniform(batch, -1, 1, device, generator) * room
    cosine, sine = torch.cos(angle) / scale, torch.sin(angle) / scale
    matrix = torch.stack(
        [
            torch.stack([cosine * stretch, -sine, -shift_x * cosine + shift_y * sine], dim=1),
            torch.stack([sine, cosine / stretch, -shift_x * sine - shift_y * cosine], dim=1),
        ],
        dim=1,
    )
    return functional.affine_grid(matrix, [batch, 4, SEEN, SEEN], align_corners=False)


def _draw_colours(batch: int, device: torch.device, generator: torch.Generator) -> torch.Tensor:
    """Draw backgrounds of one colour `[batch, 3, 1, 1]`: white, a light one, any."""
    kind = torch.rand(batch, 1, 1, 1, generator=generator, device=device)
    any_colour = torch.rand(batch, 3, 1, 1, generator=generator, device=device)
    plain = torch.where(kind < 0.65, torch.ones_like(any_colour), 1 - 0.35 * any_colour)
    return torch.where(kind < 0.88, plain, any_colour)


def _draw_patterns(batch: int, device: torch.device, generator: torch.Generator) -> torch.Tensor:
    """Draw backgrounds `[batch, 3, SEEN, SEEN]` that vary: gradients and soft blots."""
    gradients = torch.rand(batch, 3, 2, 2, generator=generator, device=device)
    gradients = functional.interpolate(gradients, size=(SEEN, SEEN), mode="bilinear", align_corners=True)
    blots = torch.rand(batch, 3, 8, 8, generator=generator, device=device)
    blots = functional.interpolate(blots, size=(SEEN, SEEN), mode="bilinear", align_corners=True)
    is_gradient = torch.rand(batch, 1, 1, 1, generator=generator, device=device) < 0.5
    return torch.where(is_gradient, gradients, blots)


def _shift_colours(colour: torch.Tensor, alpha: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Change saturation, channels' gains and brightness a little, and take the colour off some pictures.

    All of it is one matrix a picture. `colour` is multiplied by `alpha`, and so is what is returned.
    """
    batch, device = len(colour), colour.device
    saturation = _uniform(batch, 0.6, 1.4, device, generator)
    saturation = torch.where(torch.rand(batch, generator=generator, device=device) < 0.15, 0.0, saturation)
    saturation = saturation.view(-1, 1, 1)
    matrix = saturation * torch.eye(3, device=device) + (1 - saturation) / 3
    matrix = matrix * (torch.rand(batch, 3, 1, generator=generator, device=device) * 0.3 + 0.85)
    offset = _uniform(batch, -0.08, 0.08, device, generator).view(-1, 1, 1, 1)
    shifted = torch.bmm(matrix, colour.flatten(2)).view_as(colour) + offset * alpha
    return torch.minimum(shifted.clamp_(min=0), alpha)
