"""The measured pattern that a study of space groups makes itself, from a crystal that no network has learned from."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from matsift.diffraction.measured import process
from matsift.diffraction.simulate import Instrument, SimulatedPattern, simulate_pattern
from matsift.reports.patterns import PatternAnswer, group_words
from matsift.study.settings import Study
from matsift_adapters.patterns import read_pattern
from matsift_flows.diffraction.answers import pattern_answer
from matsift_flows.diffraction.identify import identify_pattern
from matsift_flows.orchestration import invoke
from matsift_flows.workspace import Workspace
from matsift_schema.store.space_groups import HeldOutTruth, load_held_out_groups
from matsift_schema.store.structures import load_crystals

NAME = "demonstration.xy"
_HASH_SHOWN = 12
#: A laboratory diffractometer with both K-alpha lines, and plates that lie flat in the holder.
INSTRUMENT = Instrument(
    wavelength="CuKa", peak_counts=8000.0, zero_shift_deg=0.03, background=0.06, hump=0.02, march=0.85
)
_SAYS = (
    "counting noise, a background, both Kα lines, plates that lie flat (March-Dollase 0.85) and a zero shift of 0.03°"
)


def demonstration(workspace: Workspace, study: Study, model_id: int) -> PatternAnswer | None:
    """Make a pattern of a held-out crystal, identify it as a user's file would be, and return the answer.

    None where nothing is held out. The file stays beside the report.
    """
    with workspace.sessions.begin() as session:
        held = load_held_out_groups(session, model_id)
        place = chosen(held)
        if place is None:
            return None
        (crystal,) = load_crystals(session, held.structure_ids[[place]])
    path = workspace.settings.home / "reports" / study.name / NAME
    key = held.structure_hashes[place]
    what = f"{held.formulae[place]} in {group_words(int(held.truth[place]))}"
    rng = np.random.default_rng([study.study.seed, int(key[:8], 16)])
    write_xy(path, simulate_pattern(crystal, INSTRUMENT, rng), f"made by matsift from {what}, structure {key}")
    processed = process(read_pattern(path), INSTRUMENT.wavelength)
    identified = invoke(identify_pattern, workspace, processed, study=study.name, model_id=model_id)
    made_from = f"{what}, structure {key[:_HASH_SHOWN]}, which no network has learned from: with {_SAYS}"
    return pattern_answer(processed, identified, file_name=NAME, made_from=made_from, true_group=int(held.truth[place]))


def chosen(held: HeldOutTruth) -> int | None:
    """Return the place of the test structure whose content hash comes first; None where there is none."""
    return next((place for place, role in enumerate(held.roles) if role == "test"), None)


def write_xy(path: Path, pattern: SimulatedPattern, says: str) -> None:
    """Write a pattern as two columns under a line of comment; the file appears whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = np.column_stack([pattern.two_theta_deg, pattern.intensity])
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".writing-") as aside:
        whole = Path(aside) / path.name
        np.savetxt(whole, columns, fmt=("%.4f", "%.0f"), header=says, encoding="utf-8")
        whole.replace(path)
