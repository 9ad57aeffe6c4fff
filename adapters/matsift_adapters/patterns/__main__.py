"""Says of each file whether it holds a pattern, and what: ``python -m matsift_adapters.patterns FILE...``."""

from __future__ import annotations

import argparse
from pathlib import Path

from matsift.diffraction.measured import process
from matsift.errors import MatsiftError
from matsift_adapters.patterns.reading import read_patterns


def main() -> None:
    """Print one line a pattern, or one sentence a file."""
    parser = argparse.ArgumentParser(prog="python -m matsift_adapters.patterns", description=__doc__)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--wavelength", help="of files that state none: CuKa, or angstrom")
    options = parser.parse_args()
    for path in options.files:
        for line in told(path, options.wavelength):
            print(line)  # noqa: T201  what it is for


def told(path: Path, wavelength: str | None) -> list[str]:
    """Return one line for each pattern of a file, or the sentence that says why there is none."""
    try:
        patterns = read_patterns(path)
    except MatsiftError as error:
        return [str(error)]
    lines = []
    for pattern in patterns:
        ends = f"{pattern.two_theta_deg[0]:.2f} to {pattern.two_theta_deg[-1]:.2f} degrees"
        stated = f"{pattern.wavelength_angstrom:.5f} A" if pattern.wavelength_angstrom else "no wavelength"
        line = f"{path}: {pattern.name}, {len(pattern.intensity)} points, {ends}, {stated}"
        try:
            found = process(pattern, pattern.wavelength_angstrom or wavelength)
            line += f"; {'; '.join(found.notes)}"
        except MatsiftError as error:
            line += f"; {str(error).removeprefix(f'{pattern.name}: ')}"
        lines.append(line)
    return lines


if __name__ == "__main__":
    main()
