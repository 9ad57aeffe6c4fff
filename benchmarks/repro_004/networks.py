"""What is computed once: oracle, autoencoder, GAN, and the candidates that are screened."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.repro_004 import candidates
from benchmarks.repro_004.data import roles
from benchmarks.repro_004.running import Result
from benchmarks.repro_004.screening import rows_of, trained
from benchmarks.repro_004.setup import ORACLE, Setup
from benchmarks.telling import tell

_TELL_EVERY = 5


@dataclass(frozen=True)
class Made:
    """A thing that is computed once, by name: `oracle`, `autoencoder`, `gan` or `candidates`."""

    what: str

    def __str__(self) -> str:
        """Return its name."""
        return self.what

    def key(self, setup: Setup) -> str:
        """Return its name with all that it depends on."""
        return f"{self.what} {setup.mark(self.what)}"

    def made(self, setup: Setup) -> bool:
        """Return whether its file is there."""
        return setup.path(self.what).exists()

    def run(self, setup: Setup) -> Result:
        """Make it, keep it as a file, and return what is told of it."""
        place = setup.path(self.what)
        place.parent.mkdir(parents=True, exist_ok=True)
        return _MAKERS[self.what](setup, place)


def _oracle(setup: Setup, place: Path) -> Result:
    rows = rows_of(setup.data, "exp1")
    model = trained(ORACLE, rows, 0, small=setup.plan.small)
    _keep(place, model.dump())
    return {"n": int((roles(rows, 0) != "test").sum())}


def _autoencoder(setup: Setup, place: Path) -> Result:
    from matsift.generative.autoencoder import train_autoencoder  # noqa: PLC0415  imports torch
    from matsift.generative.encoding import Encoding  # noqa: PLC0415

    training, held_out = setup.formulas_of_autoencoder()
    model = train_autoencoder(
        training,
        Encoding(),
        setup.autoencoder_settings(),
        seed=0,
        checkpoints=place.with_suffix(""),
        on_epoch=_told("autoencoder"),
    )
    _keep(place, model.dump())
    few = held_out.largest_count <= 8
    exact = model.round_trips(held_out)
    begin = time.perf_counter()
    latents = model.encode(held_out)
    encoded = time.perf_counter()
    model.decode(latents)
    decoded = time.perf_counter()
    known = model.encode(training)
    drawn = np.random.default_rng(0).uniform(known.min(axis=0), known.max(axis=0), size=(2000, known.shape[1]))
    return {
        "n_train": len(training),
        "held_out": {"n": len(held_out), "exact": float(exact.mean())},
        "held_out_8": {"n": int(few.sum()), "exact": float(exact[few].mean())},
        "box_decodes": float(model.decodes(drawn.astype(np.float32)).mean()),
        "encoded_a_second": len(held_out) / (encoded - begin),
        "decoded_a_second": len(held_out) / (decoded - encoded),
    }


def _gan(setup: Setup, place: Path) -> Result:
    from matsift.generative.gan_training import fit_gan, learnable  # noqa: PLC0415  imports torch

    settings = setup.gan_settings()
    model = fit_gan(setup.data.known, settings, 0, checkpoint_dir=place.with_suffix(""), on_epoch=_told("gan"))
    _keep(place, model.dump())
    return {"n_train": len(learnable(setup.data.known, settings)), "epochs": settings.epochs}


def _told(what: str) -> Callable[[Any], None]:
    def on_epoch(report: Any) -> None:
        if report.epoch % _TELL_EVERY == 0:
            tell(f"{what}: {report}")

    return on_epoch


def _keep(place: Path, data: bytes) -> None:
    part = place.with_suffix(".part")
    part.write_bytes(data)
    part.replace(place)
    checkpoints = place.with_suffix("")
    for kept in checkpoints.glob("*"):
        kept.unlink()
    if checkpoints.exists():
        checkpoints.rmdir()


_MAKERS: dict[str, Callable[[Setup, Path], Result]] = {
    "oracle": _oracle,
    "autoencoder": _autoencoder,
    "gan": _gan,
    "candidates": candidates.make,
}
