"""The recipe of `sensorium-mini`, the small built-in model: data, training, assembly, evaluation."""
