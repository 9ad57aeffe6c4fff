"""Candidates: samples of the GAN within the paper's sizes, chemically valid, and within the sizes of its code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.repro_004 import paper
from benchmarks.repro_004.setup import Setup

from matsift.generative.formulas import Compositions
from matsift.generative.sampling import PAPER_HIDDEN_LIMITS, PAPER_LIMITS, Sampled, admitted, sample_chunks
from matsift.generative.shares import shares_of

_SEED = 1
_N_OF_SHARES = 100_000


def make(setup: Setup, place: Path) -> dict[str, Any]:
    """Draw, filter and label the candidates, keep them as a file, and return what is told of them.

    Known formulas stay among them, as in the paper.
    """
    nothing = Compositions.concatenated([])
    sampled = Sampled.nothing()
    for chunk in sample_chunks(setup.gan.sample, setup.plan.n_sample, _SEED):
        sampled = admitted(chunk, sampled, nothing, PAPER_LIMITS)
    everything = sampled.compositions
    few = everything.select(PAPER_HIDDEN_LIMITS.within(everything))
    within = len(few)
    few = few.select(slice(setup.plan.n_candidate))
    gaps = setup.label(few)
    part = place.with_suffix(".part.npz")
    np.savez_compressed(part, counts=few.counts, gaps=gaps)
    part.replace(place)
    known = setup.data.known
    counts = sampled.counts
    material = Compositions.from_formulas([paper.SRYF5_FORMULA])
    found = shares_of({"gan": setup.gan.sample}, known, min(_N_OF_SHARES, setup.plan.n_sample), _SEED, PAPER_LIMITS)
    return {
        "funnel": {
            "drawn": counts.drawn,
            "of 2 to 5 elements, to 20 atoms, to 7 of one element": counts.drawn - counts.outside,
            "valid": counts.drawn - counts.outside - counts.invalid,
            "different ones": len(everything),
            "fewer than 8 atoms and 4 elements (the code, not the paper)": within,
            "screened": len(few),
            "of these, known formulas": int(few.is_in(known).sum()),
            "of these, the oracle's gap reaches 6 eV": int((gaps >= paper.WIDE_GAP).sum()),
        },
        "shares": {share.maker: share.as_dict() for share in found},
        "sryf5": {"sampled": bool(material.is_in(everything)[0]), "known": bool(material.is_in(known)[0])},
    }
