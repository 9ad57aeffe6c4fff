"""``make bench-softbv``: the calibration of the bond-valence force field, its rates beside bvlain, its relaxations."""

from __future__ import annotations

from benchmarks.bond_valence import calibration, relaxations, site_energy

if __name__ == "__main__":
    for title, part in (
        ("Calibration", calibration.main),
        ("Energy beside bvlain", site_energy.main),
        ("Relaxations", relaxations.main),
    ):
        print(f"\n## {title}\n")
        part()
