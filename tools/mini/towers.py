"""The two trained towers, as training left them on disk. Must not know how they are trained or joined."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from tools.mini.audio_network import AudioNetwork
from tools.mini.image_network import ImageNetwork


@dataclass(frozen=True)
class Towers:
    """Both networks with their averaged weights, and the log of the scale that the image tower learned."""

    image: ImageNetwork
    audio: AudioNetwork
    image_scale: float


def load_towers(work: Path) -> Towers:
    """Load the towers of a work folder, each with its own projection."""
    image, audio = ImageNetwork().eval(), AudioNetwork().eval()
    states = {name: torch.load(work / name / "state.pt", weights_only=True) for name in ("image", "audio")}
    image.load_state_dict(states["image"]["averaged"])
    audio.load_state_dict(states["audio"]["averaged"])
    return Towers(image, audio, float(states["image"]["log_scale"]))


def load_joined(work: Path) -> Towers:
    """Load the towers with the projections that `train_joint` made."""
    towers = load_towers(work)
    joint = torch.load(work / "joint.pt", weights_only=True)
    towers.image.projection.load_state_dict(joint["image"])
    towers.audio.projection.load_state_dict(joint["audio"])
    return towers
