"""The main job on the files of `samples/`: `make demo`."""
