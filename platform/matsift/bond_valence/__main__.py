"""``python -m matsift.bond_valence`` writes the table of parameters anew from bvlain's and pymatgen's tables."""

from __future__ import annotations

import sys

from matsift.bond_valence.table_writer import write_table

if __name__ == "__main__":
    sys.stdout.write(f"wrote {write_table()}\n")
