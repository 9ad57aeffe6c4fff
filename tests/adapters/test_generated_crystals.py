"""From a formula to a place on the hull: template, substitution, relaxation by CHGNet in a process, phases."""

from __future__ import annotations

import gzip
import json
from collections import Counter

import numpy as np
import pytest

from matsift.candidates.phases import Phases
from matsift.crystal import Crystal
from matsift.execution.killable import KillablePool
from matsift.generative.formulas import Compositions
from matsift.generative.stability import mechanics, missing_salts, relaxation_change
from matsift.generative.substituted import substitute
from matsift.generative.templates import find_templates
from matsift_adapters.sources.bundled import bundled_path


@pytest.mark.slow
def test_a_known_perovskite_is_made_from_another() -> None:
    """BaLiF3 without its own rows: an inverse perovskite, measured at 3.995 angstrom."""
    lines = gzip.decompress(bundled_path("chgnet_prototypes").read_bytes()).splitlines()[1:]
    rows = [row for row in map(json.loads, lines) if row["role"] != "failed"]
    amounts = [Counter(row["species"]) for row in rows]
    known = Compositions.from_formulas(["".join(f"{e}{n}" for e, n in held.items()) for held in amounts])
    wanted = Compositions.from_formulas(["BaLiF3"])
    (row, distance), *_ = [(r, d) for r, d in find_templates(wanted, known, k=5).of(0) if d > 0]
    template = Crystal.ordered(np.array(rows[row]["lattice"]), rows[row]["species"], np.array(rows[row]["frac_coords"]))
    made = substitute(template, wanted.amounts()[0])
    with KillablePool(
        "matsift_adapters.oracles.chgnet:label",
        initializer="matsift_adapters.oracles.chgnet:initialize_worker",
        n_worker=1,
        time_limit_s=120,
    ) as pool:
        said = {o.key: o.value for o in pool.run((i, ("elasticity", m.crystal)) for i, m in enumerate(made))}
    assert distance < 1
    assert rows[row]["formula"] == "BaLiCl3"
    assert len(said) == 2
    likely, other = said[0], said[1]
    assert (likely["relaxed"].volume) ** (1 / 3) == pytest.approx(3.995, rel=0.03)
    assert relaxation_change(made[0].crystal, likely["relaxed"]).space_group_after == 221
    phases = Phases(amounts, np.array([row["labels"]["energy_per_atom"] for row in rows]))
    places = [phases.place(wanted.amounts()[0], said[i]["energy_per_atom"]) for i in range(2)]
    assert likely["energy_per_atom"] < other["energy_per_atom"]
    assert places[0].formation_energy_per_atom == pytest.approx(-3.68, abs=0.02)
    assert {formula for formula, _ in places[0].competing} <= {"BaF2", "LiF", "BaLiF3"}
    assert missing_salts(wanted.amounts()[0], phases) == ()
    assert mechanics(np.array(likely["tensor_gpa"])).is_stable
