"""Sphinx's settings. The pages are Markdown, and nothing of the library but its version is imported to build them."""

from sensorium._version import __version__

project = "Sensorium"
author = "The Sensorium authors"
project_copyright = "The Sensorium authors, Apache-2.0"
release = version = __version__

extensions = ["myst_parser"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"Sensorium {release}"
exclude_patterns = ["_build"]
