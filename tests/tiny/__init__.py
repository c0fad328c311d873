"""Small checkpoints of every supported family, built from a seed with `transformers`' classes, and media for them."""
