"""Paper 001 (elastic moduli of Na solid electrolytes) measured anew on published Materials Project data.

``python -m benchmarks.repro_001 --help``; the data are looked for in the folder that MATSIFT_DATA names.
"""
