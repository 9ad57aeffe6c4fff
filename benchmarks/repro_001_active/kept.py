"""Rounds kept on disk, so that a replay that is interrupted goes on where it stopped."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from benchmarks.kept_lines import KeptLines

from matsift import acquisition, learners
from matsift.acquisition.replay_table import ReplayTable
from matsift.acquisition.simulation import SimulatedCampaign, SimulatedRound
from matsift.learners.lightgbm_ensemble import LightGbmSettings

_LEARNING = ("lightgbm_ensemble", "shared_bins", "prediction", "scale", "ensemble_settings", "evaluation")


class KeptRounds:
    """One JSON line a round, in a file that belongs to certain rows, parts and settings, and the code that trains."""

    def __init__(self, home: Path, table: ReplayTable, settings: LightGbmSettings, bins: str) -> None:
        digest = hashlib.sha256(f"{version('lightgbm')} {bins} {settings.model_dump_json()}".encode())
        folder = Path(learners.__file__).parent
        of_learning = [folder / f"{name}.py" for name in _LEARNING]
        for source in (*of_learning, *sorted(Path(acquisition.__file__).parent.glob("*.py"))):
            digest.update(source.read_bytes())
        for array in (table.X, *(table.labels[name] for name in sorted(table.labels))):
            digest.update(array.tobytes())
        for part in (table.start, table.pool, table.test):
            digest.update(part.tobytes() + b"|")
        self._lines = KeptLines(home / f"rounds-{digest.hexdigest()[:16]}.jsonl")

    def load(self) -> dict[str, list[SimulatedRound]]:
        """Return name of a campaign -> its rounds from the first on, without a gap."""
        found: dict[str, list[SimulatedRound]] = defaultdict(list)
        for name, said in self._lines:
            if said["number"] == len(found[name]):
                found[name].append(SimulatedRound(**{**said, "picked": tuple(said["picked"])}))
        return dict(found)

    def keep(self, campaign: SimulatedCampaign, done: SimulatedRound) -> None:
        """Write a round."""
        self._lines.keep(campaign.name, asdict(done))
