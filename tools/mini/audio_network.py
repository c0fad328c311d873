"""The audio route's network, in the form both libraries load: the encoder of a small Whisper, a mean, a projection.

Must not know data.
"""

from __future__ import annotations

import torch
from tools.mini.melspectrum import BANDS, SEEN_FRAMES
from torch import nn
from torch.nn import functional
from transformers import WhisperConfig
from transformers.models.whisper.modeling_whisper import WhisperEncoder

DIM = 384


def make_config() -> WhisperConfig:
    """Make the encoder's config: two seconds are 50 places of 192."""
    return WhisperConfig(
        vocab_size=64,
        num_mel_bins=BANDS,
        encoder_layers=5,
        encoder_attention_heads=4,
        encoder_ffn_dim=512,
        decoder_layers=1,
        decoder_attention_heads=4,
        decoder_ffn_dim=64,
        d_model=192,
        max_source_positions=SEEN_FRAMES // 2,
        max_target_positions=8,
        dropout=0.0,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )


#: After so many layers, training also has letters read off the places, which teaches the encoder to hear before it
#: learns what words mean. Nothing of that is in the checkpoint. Source: intermediate CTC (Lee and Watanabe 2021).
LETTERS_AFTER = 3
LETTERS = " abcdefghijklmnopqrstuvwxyz'-"


class AudioNetwork(nn.Module):
    """An encoder, the mean of its places, a projection: `[batch, BANDS, SEEN_FRAMES]` to unit vectors."""

    def __init__(self) -> None:
        super().__init__()
        config = make_config()
        self.backbone = WhisperEncoder(config)
        self.projection = nn.Linear(config.d_model, DIM)
        self.letters = nn.Linear(config.d_model, len(LETTERS) + 1)

    def forward(self, spectra: torch.Tensor) -> torch.Tensor:
        """Embed sounds: `[batch, DIM]`."""
        return self._project(self.backbone(input_features=spectra).last_hidden_state)

    def spell(self, spectra: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Embed sounds and spell them: vectors, and log probabilities `[places, batch, letters]`; letter 0 is none."""
        output = self.backbone(input_features=spectra, output_hidden_states=True)
        letters = self.letters(output.hidden_states[LETTERS_AFTER]).float()
        return self._project(output.last_hidden_state), functional.log_softmax(letters, dim=-1).transpose(0, 1)

    def _project(self, places: torch.Tensor) -> torch.Tensor:
        return functional.normalize(self.projection(places.mean(dim=1)).float(), dim=-1)
