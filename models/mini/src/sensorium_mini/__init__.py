"""The files of the model `sensorium-mini`, in the folder `model`. No code is here: see `sensorium.builtin_model`."""
