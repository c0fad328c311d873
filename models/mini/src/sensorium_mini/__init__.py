"""The files of the model `sensorium-mini`, in the folder `model`. There is no code here: see `sensorium.builtin_model`."""
