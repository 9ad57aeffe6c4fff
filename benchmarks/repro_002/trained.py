"""Ensembles that are trained once: a killed training goes on from the last epoch of each member."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.repro_002.code_mark import code_hash
from benchmarks.repro_002.task import Items

from matsift.diffraction.checkpoints import fingerprint
from matsift.diffraction.ensemble import SpaceGroupEnsemble, load_ensemble
from matsift.diffraction.ensemble_training import TrainingItems, train_ensemble
from matsift.diffraction.training import Augment, TrainingSettings

_CODE = ("networks", "fused_layers", "fused_loops", "training")


def trained(
    folder: Path,
    items: Items,
    settings: TrainingSettings,
    *,
    groups: Sequence[int],
    has_volume: bool,
    seeds: Sequence[int],
    tell: Callable[[str], None],
    augment: Augment | None = None,
    n_process: int | None = None,
) -> SpaceGroupEnsemble:
    """Return an ensemble, from `folder` where it is there for the same items, settings and code."""
    plain = {**settings.plain(), "seeds": list(seeds), "groups": list(groups), "augment": repr(augment)}
    key = fingerprint(items.profiles, items.classes, items.volumes.astype("f4") if has_volume else None, plain)
    place = folder / f"{key[:12]}-{code_hash(_CODE)}"
    kept = place / "ensemble.zip"
    if kept.exists():
        return load_ensemble(kept.read_bytes())
    ensemble = train_ensemble(
        TrainingItems(items.profiles, items.groups, items.volumes if has_volume else None),
        settings,
        seeds=seeds,
        groups=groups,
        checkpoint_dir=place,
        augment=augment,
        on_epoch=lambda report: tell(f"{folder.name}: {report}"),
        n_process=n_process,
    )
    part = kept.with_suffix(".part")
    part.write_bytes(ensemble.dump())
    part.replace(kept)
    for checkpoint in place.glob("member-*.safetensors"):
        checkpoint.unlink()
    return ensemble
