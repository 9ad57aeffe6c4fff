"""What the reproduction has to show: the wanted beside the measured, and whether it is met."""

from __future__ import annotations

import numpy as np
from benchmarks.repro_000.checks import Check
from benchmarks.repro_004 import paper
from benchmarks.repro_004.found import Found
from benchmarks.repro_004.learners import BY_KEY
from benchmarks.repro_004.setup import ORACLE
from benchmarks.repro_004.strategies import OWN, PAPER, STRATEGIES

#: Seconds that a Gaussian process through 500 points in 128 dimensions may take.
MOST_FIT_S = 1.0


def checks(found: Found) -> list[Check]:
    """Return the checks of issue 9."""
    return [
        _round_trip(found),
        *_oracle(found),
        *(_recovery(found, experiment) for experiment in ("exp2", "exp3")),
        *(_own_recovery(found, experiment) for experiment in ("exp2", "exp3")),
        _rise(found),
        *_beyond(found),
        _valid(found),
        _fit(found),
    ]


def _round_trip(found: Found) -> Check:
    share = found.made["autoencoder"]["held_out"]["exact"]
    return Check(
        "held-out formulas that the autoencoder gives back exactly",
        f"{paper.ROUND_TRIP} or more",
        f"{share:.3f} of {found.made['autoencoder']['held_out']['n']}",
        share >= paper.ROUND_TRIP,
    )


def _oracle(found: Found) -> list[Check]:
    r2, mae = (found.of("exp1", ORACLE.key, name) for name in ("r2", "mae"))
    return [
        Check(
            f"oracle ({ORACLE.title}), formulas held out: R2",
            f"{paper.ORACLE_R2} or more",
            f"{r2.mean():.3f}",
            bool(r2.mean() >= paper.ORACLE_R2),
        ),
        Check(
            "the same: MAE, eV",
            f"{paper.ORACLE_MAE:.2f} or less",
            f"{mae.mean():.3f}",
            bool(mae.mean() <= paper.ORACLE_MAE),
        ),
    ]


def _recovery(found: Found, experiment: str) -> Check:
    """Return whether rows that the paper's search found raise the recovery, by each learner's mean over repeats."""
    pairs = {
        key: (
            found.of(f"{experiment} BS", key, "recovery").mean(),
            found.of(f"{experiment} AL", key, "recovery").mean(),
        )
        for key in found.learners
    }
    said = ", ".join(f"{BY_KEY[key].title} {al:.1%} over {bs:.1%}" for key, (bs, al) in pairs.items())
    return Check(
        f"{experiment}: recovery with the search's rows over that without",
        f"more, by {ORACLE.title}",
        said,
        bool(pairs[ORACLE.key][1] > pairs[ORACLE.key][0]),
    )


def _own_recovery(found: Found, experiment: str) -> Check:
    """Return whether rows that the platform's own search found, in the place of the paper's, raise the recovery."""
    start, own = (100 * found.of(f"{experiment} {line}", ORACLE.key, "recovery").mean() for line in ("BS", OWN.key))
    return Check(
        f"{experiment}: the same with the rows of {OWN.key} in place of the paper's search",
        f"more, by {ORACLE.title}",
        f"{own:.1f}% over {start:.1f}%",
        bool(own > start),
    )


def _rise(found: Found) -> Check:
    mean, start = found.course("exp3", PAPER.key, "mean_gap").mean(), found.initial_mean["exp3"]
    return Check(
        "exp3: mean gap of what the paper's search labels, eV",
        f"above the start's {start:.2f}",
        f"{mean:.2f}",
        bool(mean > start),
    )


def _beyond(found: Found) -> list[Check]:
    """Return the best strategy beyond the paper beside the paper's: recovery, and wide gaps a suggestion."""
    lines = []
    for name, says in (
        ("recovery", "recovery"),
        ("hit_rate", "new compositions above 6 eV per suggestion"),
        ("valid_hit_rate", "the same, chemically valid ones alone"),
    ):
        if name == "recovery":
            value = {s.key: float(found.of(f"exp3 {s.key}", ORACLE.key, name).mean()) for s in STRATEGIES}
        else:
            value = {s.key: float(found.course("exp3", s.key, name).mean()) for s in STRATEGIES}
        best = max((s for s in STRATEGIES if s.beyond), key=lambda s: np.nan_to_num(value[s.key]))
        lines.append(
            Check(
                f"best strategy beyond the paper's ({best.key}), {found.budget} suggestions: {says}",
                f"above the paper's {value[PAPER.key]:.1%}",
                f"{value[best.key]:.1%}",
                value[best.key] > value[PAPER.key],
            )
        )
    return lines


def _valid(found: Found) -> Check:
    valid = {maker: share["valid"] for maker, share in found.made["candidates"]["shares"].items()}
    return Check(
        "valid compositions of the network's samples over those of random ones",
        "more",
        f"{valid['gan']:.1%} over {valid['shuffled']:.1%} and {valid['uniform']:.1%}",
        valid["gan"] > max(valid["shuffled"], valid["uniform"]),
    )


def _fit(found: Found) -> Check:
    return Check(
        "Gaussian process through 500 points in 128 dimensions, s",
        f"below {MOST_FIT_S:g}",
        f"{found.fit_seconds:.2f}",
        found.fit_seconds < MOST_FIT_S,
    )
