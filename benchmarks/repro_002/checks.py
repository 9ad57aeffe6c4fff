"""What the reproduction has to show: the wanted beside the measured, and whether it is met."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.repro_000.checks import Check
from benchmarks.repro_002 import paper
from benchmarks.repro_002.found import Found, difference

from matsift.diffraction.metrics import GroupMetrics, Interval


def checks(found: Mapping[str, Found], nearest: Mapping[str, list[GroupMetrics]]) -> list[Check]:
    """Return the checks, from ensembles and from variants of the nearest-neighbour baseline by name."""
    best = found["vol_inf"]
    recall = best.interval("recall")
    recalls = {name: Interval.of([one.recall for one in measured]) for name, measured in nearest.items()}
    name, baseline = max(recalls.items(), key=lambda named: named[1].mean)
    volume = best.volume
    assert volume is not None
    gains = {n: difference(one.ensemble, one.specific, "precision") for n, one in found.items()}
    low, high = paper.VOLUME_QUARTILES
    return [
        Check(
            f"macro recall of six SpgVolNet above the best 1-nearest neighbour ({name})",
            f"above {baseline.mean:.1%}",
            str(recall),
            recall.low > baseline.high,
        ),
        Check(
            "ensemble precision at or above the members' mean, every ensemble",
            "at or above 0",
            ", ".join(f"{gain.mean:+.1%}" for gain in gains.values()),
            all(gain.mean >= 0 for gain in gains.values()),
        ),
        Check(
            "median |V'/V - 1| of six SpgVolNet",
            f"below {paper.VOLUME_LIMIT:.0%}",
            f"{volume.median_absolute:.1%} (quartiles of V'/V - 1: {volume.lower_quartile:+.1%} to "
            f"{volume.upper_quartile:+.1%}; the paper's {low:+.1%} to {high:+.1%})",
            volume.median_absolute < paper.VOLUME_LIMIT,
        ),
    ]
