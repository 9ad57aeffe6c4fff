"""Broken, hostile and senseless input for every parser that reads what others wrote.

make bench-fuzz
python -m benchmarks.fuzz cif study --inputs 100000
python -m benchmarks.fuzz cif --seed 4711

An input is made of the name of its parser and its number alone, so that a defect is replayed by its number.
"""

from pathlib import Path

import tests

# Installed packages call their tests ``tests`` too, and theirs would be found where pytest has not put ours in place.
_OURS = str(Path(__file__).parents[2] / "tests")
if _OURS not in list(tests.__path__):
    tests.__path__ = [_OURS, *tests.__path__]
