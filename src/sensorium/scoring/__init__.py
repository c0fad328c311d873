"""Scores between vectors, and what is built on them: search, mining, communities, quantisation.

Must not know models, media or files: everything here takes vectors that exist already.
"""
