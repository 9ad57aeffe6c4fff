"""What every job works with: the plan, the data, the networks and candidates that are computed once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from benchmarks.repro_002.code_mark import code_hash
from benchmarks.repro_004 import data as published
from benchmarks.repro_004 import paper
from benchmarks.repro_004.data import Data
from benchmarks.repro_004.learners import LEARNERS, Learner
from benchmarks.repro_004.plan import Plan
from benchmarks.repro_004.screening import Candidates
from numpy.typing import NDArray

from matsift import generative
from matsift.generative import search
from matsift.generative.encoding import PAPER_COUNTS
from matsift.generative.formulas import Compositions
from matsift.generative.gan_settings import GanSettings
from matsift.learners import registry
from matsift.learners.prediction import FittedModel

if TYPE_CHECKING:
    from matsift.generative.autoencoder import CompositionAutoencoder
    from matsift.generative.autoencoder_training import AutoencoderSettings
    from matsift.generative.gan import CompositionGan

#: What makes a thing: modules of the generative part. Others that they use change nothing in what is made.
_CODE = {
    "autoencoder": ("encoding", "autoencoder_network", "autoencoder_training"),
    "gan": ("gan_networks", "gan_settings", "gan_training"),
    "search": (
        "acquisition",
        "decoder",
        "gaussian_process",
        "latent_search",
        "maximizer",
        "proposals",
        "rounds",
        "settings",
        "space",
        "surrogates",
    ),
    "candidates": ("gan", "sampling", "validity", "validity_kernel", "validity_table"),
}
_POPULATION = 10_000
#: The property model that gives the labels, and that the others are compared with.
ORACLE = LEARNERS[0]


@dataclass(frozen=True, eq=False)
class Setup:
    """The folder that keeps what is computed, and how much is computed. A process reads each part once.

    `marks` are filled as they are asked for; processes are given those of the one that starts them, so that all speak
    of the same files even if the code changes while they run.
    """

    home: Path
    plan: Plan
    marks: dict[str, str] = field(default_factory=dict)

    @cached_property
    def data(self) -> Data:
        """The published formulas."""
        return published.load(self.plan.limit)

    @cached_property
    def oracle(self) -> FittedModel:
        """The model that gives the labels: the first repeat of the first experiment."""
        return registry.load(ORACLE.kind, self.path("oracle").read_bytes())

    def label(self, compositions: Compositions) -> NDArray[np.float64]:
        """Return the gaps (n,) in eV that the oracle says."""
        return ORACLE.predict(self.oracle, compositions)

    @cached_property
    def candidates(self) -> Candidates:
        """The compositions that are screened."""
        with np.load(self.path("candidates"), allow_pickle=False) as kept:
            return Candidates(Compositions(kept["counts"]), kept["gaps"])

    @cached_property
    def autoencoder(self) -> CompositionAutoencoder:
        """The trained autoencoder."""
        from matsift.generative.autoencoder import load_autoencoder  # noqa: PLC0415  imports torch

        return load_autoencoder(self.path("autoencoder").read_bytes())

    @cached_property
    def gan(self) -> CompositionGan:
        """The trained generator of compositions."""
        from matsift.generative.gan import CompositionGan  # noqa: PLC0415  imports torch

        return CompositionGan.load(self.path("gan").read_bytes())

    @cached_property
    def population(self) -> NDArray[np.float32]:
        """Latent vectors of known formulas that a search may set out from, besides its labelled ones."""
        known = self.data.known
        encodable = np.flatnonzero(self.autoencoder.encoding.refusals(known) == 0)
        return self.encode(known.select(np.sort(np.random.default_rng(0).permutation(encodable)[:_POPULATION])))

    def encode(self, compositions: Compositions) -> NDArray[np.float32]:
        """Return the latent vectors (n, 128) of reduced compositions."""
        return self.autoencoder.encode(compositions.reduced())

    def autoencoder_settings(self) -> AutoencoderSettings:
        """Return how the autoencoder is trained."""
        from matsift.generative.autoencoder_training import AutoencoderSettings  # noqa: PLC0415  imports torch

        return AutoencoderSettings(**self.plan.autoencoder)

    def gan_settings(self) -> GanSettings:
        """Return how the GAN is trained."""
        return GanSettings.from_dict(self.plan.gan)

    @cached_property
    def learners(self) -> tuple[Learner, ...]:
        """The property models of the tables."""
        return tuple(learner for learner in LEARNERS if learner.key in self.plan.learners)

    def formulas_of_autoencoder(self) -> tuple[Compositions, Compositions]:
        """Return the known formulas with counts to 20: four fifths to train on, the paper's share, and one held out."""
        known = self.data.known.select(self.data.known.largest_count <= PAPER_COUNTS)
        order = np.random.default_rng(0).permutation(len(known))
        n_held_out = round(paper.TEST_SHARE * len(known))
        return known.select(np.sort(order[n_held_out:])), known.select(np.sort(order[:n_held_out]))

    def path(self, what: str) -> Path:
        """Return where a thing that is computed once lies; the name tells all that it depends on."""
        return self.home / "networks" / f"{what}-{self.mark(what)}{'.npz' if what == 'candidates' else '.zip'}"

    def mark(self, what: str) -> str:
        """Return twelve characters that tell the thing from those of other data, settings or code."""
        if what not in self.marks:
            self.marks[what] = self._mark(what)
        return self.marks[what]

    def all_marks(self) -> dict[str, str]:
        """Return the marks of everything."""
        return {what: self.mark(what) for what in ("oracle", *_CODE)}

    def _mark(self, what: str) -> str:
        return hashlib.sha256(f"{self.data.digest} {self._text(what)}".encode()).hexdigest()[:12]

    def mark_of(self, learner: Learner) -> str:
        """Return what tells a learner's results from those of other settings."""
        return learner.mark(small=self.plan.small)

    def _text(self, what: str) -> str:
        """Return the settings and the code that make a thing, and the marks of what it is made from."""
        if what == "oracle":
            return self.mark_of(ORACLE)
        if what == "search":
            return code_hash(_CODE[what], search)
        code = code_hash(_CODE[what], generative)
        if what == "candidates":
            sizes = f"{self.plan.n_sample} {self.plan.n_candidate}"
            return f"{sizes} {self.mark('gan')} {self.mark('oracle')} {code}"
        return f"{dict(getattr(self.plan, what))} {code}"
