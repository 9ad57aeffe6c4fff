"""Identification of measured patterns whose space groups or phases are known.

``make bench-identify``
"""
