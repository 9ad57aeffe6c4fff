"""Ideal powder profiles beside pymatgen's XRDCalculator: the same reflections, the same numbers, the rates of both."""
