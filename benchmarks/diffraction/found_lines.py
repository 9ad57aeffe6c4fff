"""How well lines are found in simulated patterns of random crystals, whose true lines are known, as Markdown.

python -m benchmarks.diffraction.found_lines
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace

import numpy as np
from benchmarks.diffraction.line_match import LineMatch, line_match
from benchmarks.diffraction.samples import samples

from matsift.crystal import Crystal
from matsift.diffraction.measured import MeasuredPattern, process
from matsift.diffraction.simulate import Instrument, simulate_pattern
from matsift.errors import UserInputError

_SEED = 2026
_LABORATORY = Instrument(wavelength="CuKa", hump=0.05)
CONDITIONS = {
    "laboratory, 10,000 counts": _LABORATORY,
    "the same, K-alpha1 only": replace(_LABORATORY, k_alpha_2=0.0),
    "quick: 500 counts": replace(_LABORATORY, peak_counts=500.0),
    "broad: crystallites of 200 A": replace(_LABORATORY, crystallite_size_angstrom=200.0),
    "plates (March 0.6) and glass": replace(_LABORATORY, march=0.6, hump=0.4),
    "Mo K-alpha": replace(
        _LABORATORY,
        wavelength="MoKa",
        two_theta_first=5.0,
        two_theta_last=42.0,
        step=0.01,
        caglioti=(0.003, -0.001, 0.003),
    ),
}


def main() -> None:
    """Print one row a condition: medians over the crystals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--structures", type=int, default=40, help="crystals of each set")
    settings = parser.parse_args()
    crystals = [crystal for part in samples(settings.structures, _SEED).values() for crystal in part]
    print(f"{len(crystals)} crystals, seed {_SEED}; a line is to be found at 1 % of the highest.\n")
    print("| Pattern | Found of the lines | Found ones that are true | Shift of 2theta | K-alpha2 told right | CPU s |")
    print("|---|---|---|---|---|---|")
    for name, instrument in CONDITIONS.items():
        print(_row(name, crystals, instrument), flush=True)


def _row(name: str, crystals: list[Crystal], instrument: Instrument) -> str:
    matches: list[LineMatch] = []
    told, seconds, n_none = [], 0.0, 0
    for place, crystal in enumerate(crystals):
        truth = simulate_pattern(crystal, instrument, np.random.default_rng([_SEED, place]))
        started = time.process_time()
        try:
            found = process(MeasuredPattern(truth.two_theta_deg, truth.intensity), instrument.wavelength)
        except UserInputError:
            n_none += 1
            continue
        seconds += time.process_time() - started
        matches.append(line_match(truth, found))
        told.append(found.k_alpha2 == (instrument.k_alpha_2 > 0))
    recall, precision = (np.mean([getattr(match, key) for match in matches]) for key in ("recall", "precision"))
    shift = np.nanmedian([abs(match.shift_deg) for match in matches])
    none = f" ({n_none} without a line)" if n_none else ""
    return (
        f"| {name}{none} | {100 * recall:.0f} % | {100 * precision:.0f} % | {shift:.4f}° | {100 * np.mean(told):.0f} % "
        f"| {seconds / max(len(matches), 1):.2f} |"
    )


if __name__ == "__main__":
    main()
