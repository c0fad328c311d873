"""`LSTM`: a recurrent layer over the token vectors. Must not know which module made them."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sensorium.modules.deprecation import renamed_arguments
from sensorium.modules.weighted_module import WeightedModule


class LSTM(WeightedModule):
    """Replace the token vectors by the states of a long short-term memory.

    Args:
        embedding_dimension: Width of the token vectors.
        hidden_dim: Width of each direction's state.
        num_layers: Layers.
        dropout: Share of a layer's outputs set to zero while training.
        bidirectional: Whether a second direction runs from the end.
    """

    config_file_name: str = "lstm_config.json"
    config_keys: list[str] = ["embedding_dimension", "hidden_dim", "num_layers", "dropout", "bidirectional"]  # noqa: RUF012
    config_key_renames: dict[str, str] = {"word_embedding_dimension": "embedding_dimension"}  # noqa: RUF012
    peer_type = "sentence_transformers.sentence_transformer.modules.lstm.LSTM"

    @renamed_arguments(word_embedding_dimension="embedding_dimension")
    def __init__(
        self,
        embedding_dimension: int,
        hidden_dim: int,
        num_layers: int = 1,
        dropout: float = 0,
        bidirectional: bool = True,
    ) -> None:
        super().__init__()
        self.embedding_dimension = embedding_dimension
        self.hidden_dim = hidden_dim
        self.num_layers = num_layers
        self.dropout = dropout
        self.bidirectional = bidirectional
        self.embeddings_dimension = hidden_dim * (2 if bidirectional else 1)
        self.encoder = nn.LSTM(
            embedding_dimension,
            hidden_dim,
            num_layers=num_layers,
            dropout=dropout,
            bidirectional=bidirectional,
            batch_first=True,
        )

    def forward(self, features: dict[str, Tensor | Any], **kwargs: Any) -> dict[str, Tensor | Any]:
        """Change `token_embeddings` `[batch, tokens, dim]` to `[batch, tokens, hidden_dim * directions]`.

        Lengths come from `sentence_lengths` `[batch]`, or else from `attention_mask`. States beyond a sequence's end
        are zeros; so are all those of an empty one.
        """
        tokens = features["token_embeddings"]
        lengths = features.get("sentence_lengths")
        lengths = features["attention_mask"].sum(1) if lengths is None else lengths
        # An empty sequence cannot be packed: it runs for one step, the result of which is dropped.
        packed = pack_padded_sequence(tokens, lengths.cpu().clamp(min=1), batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.encoder(packed)[0], batch_first=True, total_length=tokens.shape[1])
        is_empty = (lengths == 0).to(states.device)
        features["token_embeddings"] = states.masked_fill(is_empty[:, None, None], 0)
        return features

    def get_embedding_dimension(self) -> int:
        """Return the width of the new token vectors."""
        return self.embeddings_dimension
