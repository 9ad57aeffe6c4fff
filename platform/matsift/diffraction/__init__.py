"""Powder diffraction: ideal profiles, space groups and cell volumes from patterns, phases by search."""
