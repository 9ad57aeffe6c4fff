"""Candidate crystals for a computed data set: structure prototypes, and likely substitutions in them."""
