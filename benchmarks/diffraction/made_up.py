"""Whether crystals that are made up help networks that have few real ones, at the same number of steps, as Markdown.

python -m benchmarks.diffraction.made_up
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from benchmarks.repro_001.tables import markdown
from benchmarks.repro_002.crystals import PAPER_SETS, stock
from benchmarks.repro_002.described import Described, described
from numpy.typing import NDArray

from matsift.diffraction.ensemble_training import TrainingItems, train_ensemble
from matsift.diffraction.leakage import leak_pairs
from matsift.diffraction.made_up import MadeUp, Wanted, made_up
from matsift.diffraction.sets import SetSettings, draw_sets
from matsift.diffraction.sparse import SparseProfiles
from matsift.diffraction.structure_type import TypeSplitSettings, split_by_type
from matsift.diffraction.training import TrainingSettings

_N_GROUP = 10
_N_REAL, _N_MADE = 60, 180  # of each group
_N_STEP, _BATCH = 600, 50
_SEEDS = (1, 2)
_SETTINGS = SetSettings(max_groups=_N_GROUP)


@dataclass(frozen=True, eq=False)
class Task:
    """Crystals to learn from, as many of each group, and two sets of held-out ones."""

    data: Described
    few: NDArray[np.int64]
    more: NDArray[np.int64]
    held_out: dict[str, NDArray[np.int64]]

    @classmethod
    def of(cls, data: Described) -> Task:
        """Return the task; neither types that test nor look-alikes of what tests are learned from."""
        pairs = leak_pairs(data.profiles, data.groups)
        sets = draw_sets(data.groups, data.log_volumes, data.log_densities, pairs, _SETTINGS)
        split = split_by_type(sets.classes, data.types.tolist(), TypeSplitSettings())
        held_out = {
            "known types": np.flatnonzero((sets.validation == 1) & split.is_training),
            "unseen types": np.flatnonzero(split.is_test),
        }
        may = split.is_training & (sets.validation == 0)
        touched = np.isin(pairs, held_out["unseen types"]).any(axis=1)
        may[pairs[touched].ravel()] = False
        rng = np.random.default_rng(0)
        drawn = [rng.permutation(np.flatnonzero(may & (sets.classes == k))) for k in range(len(sets.groups))]
        few, more = (np.sort(np.concatenate([d[:n] for d in drawn])) for n in (_N_REAL, _N_REAL + _N_MADE))
        return cls(data, few, more, held_out)

    def real(self, rows: NDArray[np.int64]) -> MadeUp:
        """Return real crystals as if they were made up."""
        return MadeUp(self.data.profiles.take(rows), self.data.groups[rows], np.exp(self.data.log_volumes[rows]))


def joined(parts: list[MadeUp]) -> TrainingItems:
    """Return all that is learned from."""
    return TrainingItems(
        SparseProfiles.concatenate(part.profiles for part in parts),
        np.concatenate([part.space_groups for part in parts]),
        np.concatenate([part.volumes for part in parts]),
    )


def row(title: str, task: Task, parts: list[MadeUp]) -> tuple[str, ...]:
    """Return the recall of an ensemble that learned from the parts, on both held-out sets."""
    items = joined(parts)
    n = len(items.space_groups)
    settings = TrainingSettings(
        width=16, epochs=max(1, round(_N_STEP * _BATCH / n)), batch=_BATCH, learning_rate=3e-3, schedule="one_cycle",
        he=True, power=0.5, factor=3.0, dropout=0.5,
    )  # fmt: skip
    ensemble = train_ensemble(items, settings, seeds=_SEEDS, n_process=1)
    said = []
    for rows in task.held_out.values():
        found = ensemble.predict(task.data.profiles.take(rows)).probabilities.argmax(axis=1)
        right = found == ensemble.classes_of(task.data.groups[rows])
        groups = task.data.groups[rows]
        said.append(f"{np.mean([right[groups == group].mean() for group in np.unique(groups)]):.3f}")
    return title, str(n), *said


def main() -> None:
    """Print the table; profiles and symmetry are those that `make repro-002` keeps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, default=Path(".matsift/repro_002"), help="what make repro-002 keeps")
    options = parser.parse_args()
    crystals = stock(options.home, PAPER_SETS, n_worker=1, tell=print)
    data = described(options.home, crystals, n_worker=1, tell=print)
    task = Task.of(data)
    seen = task.real(task.few)
    held_out = np.concatenate(list(task.held_out.values()))
    unseen = data.profiles.take(held_out), data.groups[held_out]
    learned = [crystals.crystals[data.rows[i]] for i in task.few.tolist()]
    kinds = Wanted(isotypic_up_to=_N_REAL + _N_MADE), Wanted(synthetic=_N_MADE)
    isotypic, synthetic = (made_up(learned, seen.space_groups, seen.volumes, *unseen, kind, 0) for kind in kinds)
    parts = {
        f"{_N_REAL} real crystals a group": [seen],
        f"and {_N_MADE} isotypic ones": [seen, isotypic],
        f"and {_N_MADE} random ones": [seen, synthetic],
        "and both": [seen, isotypic, synthetic],
        "random ones alone": [synthetic],
        f"{_N_REAL + _N_MADE} real crystals a group": [task.real(task.more)],
    }
    sizes = ", ".join(f"{len(rows)} of {name}" for name, rows in task.held_out.items())
    groups = ", ".join(str(group) for group in np.unique(seen.space_groups).tolist())
    print(
        f"Space groups {groups}; {len(_SEEDS)} members of width 16, {_N_STEP} steps of {_BATCH} each; "
        f"held out: {sizes}.\n"
    )
    header = ("learned from", "items", *(f"macro recall, {name}" for name in task.held_out))
    for line in markdown(header, [])[:2]:
        print(line, flush=True)
    for title, made in parts.items():
        print(markdown(header, [row(title, task, made)])[2], flush=True)


if __name__ == "__main__":
    main()
