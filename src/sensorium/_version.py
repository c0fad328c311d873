"""The version, alone in a file so that the build and every room can read it without loading anything."""

__version__ = "0.1.0"
