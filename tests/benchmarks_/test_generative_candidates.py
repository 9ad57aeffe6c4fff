"""The table of the paper's candidates: what is relaxed, what is not, and which phases a candidate is held against."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from benchmarks.generative.paper_candidates import Job, Trial, table
from benchmarks.generative.published import PublishedCrystals

from matsift.crystal import Crystal
from matsift.generative.formulas import Compositions

_CELL = Crystal.ordered(np.eye(3) * 4.0, ["Cs", "Cl"], np.array([[0, 0, 0], [0.5, 0.5, 0.5]]))


def test_a_candidate_stands_beside_the_papers_number() -> None:
    trials = [
        Trial("YCl3", "mp-1 TmCl3", 0.25, "Cl->Cl Tm->Y", 167, "YCl3 mp-1 0"),
        Trial("SrYF5", "mp-2 BaYF5", 1 / 7, "F->F Ba->Sr Y->Y", 4, "SrYF5 mp-2 0"),
        Trial("SrYF5", "mp-2 BaYF5", 1 / 7, "F->F Ba->Y Y->Sr", 4, "SrYF5 mp-2 1"),
    ]
    jobs = [*(Job(trial.key, _CELL) for trial in trials), Job("mp-981", _CELL), Job("mp-2416", _CELL)]
    kept = {
        "SrYF5 mp-2 0": {"energy_per_atom": -7.5, "space_group": 4},
        "SrYF5 mp-2 1": {"reason": "relaxation did not converge"},
        "mp-981": {"energy_per_atom": -6.0, "formula": "F2Sr1"},
    }
    intro, _, _, missing, there, failed = table(trials, jobs, kept)
    assert intro == "Of 2 known compounds 1 are not relaxed (yet).\n"
    assert "not relaxed yet" in missing
    assert "relaxation did not converge" in failed
    cells = [cell.strip() for cell in there.strip("|").split("|")]
    assert cells[:2] == ["SrYF5", "-4.10"]
    assert cells[6] == "4 to 4"
    assert "SrF2" in cells[8]
    assert cells[9] == "YF3"


def test_phases_of_a_candidate_are_the_compounds_of_its_elements_near_the_hull() -> None:
    formulas = ["SrF2", "YF3", "Sr2F4", "SrY", "NaF", "F2", "SrYF5", "Sr3Y3F15"]
    published = PublishedCrystals(
        Path("unused"),
        tuple(str(i) for i in range(8)),
        tuple(f"mp-{i}" for i in range(8)),
        Compositions.from_formulas(formulas),
        np.array([0.0, 0.0, 0.01, 0.2, 0.0, 0.0, 0.04, 0.05]),
    )
    found = published.phases_of({"Sr": 1, "Y": 1, "F": 5}, 0.05)
    assert [formulas[row] for row in found] == ["SrF2", "YF3", "SrYF5"]
