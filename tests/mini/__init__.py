"""Tests of the built-in model and of the recipe that makes it."""
