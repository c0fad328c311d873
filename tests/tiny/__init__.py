"""Small checkpoints of every supported family, built from a seed with `transformers`' own classes, and media to feed them."""
