"""What a composition GAN learns, epoch by epoch: shares of valid, unique and new samples beside chance, as Markdown.

python -m benchmarks.generative.gan_shares --epochs 20
python -m benchmarks.generative.gan_shares --formulas 20000 --epochs 6 --every 3 --reward 0.2 --penalty 1

A tenth of the formulas is held out: how many of them are among the samples tells of what is learned, not remembered.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from benchmarks.generative.samples import known
from benchmarks.telling import versions

from matsift.generative.formulas import Compositions
from matsift.generative.gan_settings import GanSettings
from matsift.generative.gan_training import fit_gan, learnable
from matsift.generative.sampling import PAPER_LIMITS, Maker, sample_chunks, shuffled_maker, uniform_maker
from matsift.generative.shares import Shares, shares

_SEED = 0
_HEADER = """
| made by | seconds | within sizes | neutral | valid | without metals | unique | new | all three | held out found |
|---|---|---|---|---|---|---|---|---|---|"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formulas", type=int, default=0, help="known formulas to take; 0: all")
    parser.add_argument("--samples", type=int, default=20_000, help="compositions to draw of each maker")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--reward", type=float, default=GanSettings.reward, help="weight of validity")
    parser.add_argument("--penalty", type=float, default=GanSettings.penalty, help="weight of the critic's gradient")
    parser.add_argument("--every", type=int, default=5, help="epochs between two lines")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    _, all_known = known(20_000, _SEED)
    random = np.random.default_rng(_SEED)
    settings = GanSettings(epochs=asked.epochs, reward=asked.reward, penalty=asked.penalty)
    usable = learnable(all_known, settings)
    if asked.formulas:
        usable = usable.select(np.sort(random.permutation(len(usable))[: asked.formulas]))
    held_out = random.random(len(usable)) < 0.1
    print(f"{versions('torch', 'numba')}; one thread, seconds of the processor; {settings}.")
    print(f"{int((~held_out).sum()):,} formulas to learn from, {int(held_out.sum()):,} held out; sizes of the paper.")
    print(_HEADER)
    for line in lines(
        usable.select(~held_out), usable.select(held_out), all_known, settings, asked.samples, asked.every
    ):
        print(line, flush=True)


def lines(
    learned: Compositions, held_out: Compositions, all_known: Compositions, settings: GanSettings, n: int, every: int
) -> Iterator[str]:
    """Yield a line for each kind of chance, for the formulas themselves, and for the generator after some epochs."""
    elements = np.flatnonzero((learned.counts > 0).any(axis=0)) + 1
    yield _line("even chance", uniform_maker(elements), n, held_out, all_known, 0.0)
    yield _line("chance by frequency", shuffled_maker(learned), n, held_out, all_known, 0.0)
    yield _written("the formulas", shares("known", learned, all_known, PAPER_LIMITS), 0, 0.0)
    spent = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for epoch in range(every, settings.epochs + 1, every):
            began = time.process_time()
            gan = fit_gan(learned, replace(settings, epochs=epoch), _SEED, checkpoint_dir=Path(folder))
            spent += time.process_time() - began
            yield _line(f"GAN, {epoch} epochs", gan.sample, n, held_out, all_known, spent)
    began = time.process_time()
    gan.sample(n, np.random.default_rng(_SEED))
    yield f"\n{n / (time.process_time() - began):,.0f} samples a second."


def _line(name: str, maker: Maker, n: int, held_out: Compositions, all_known: Compositions, spent: float) -> str:
    drawn = Compositions.concatenated(sample_chunks(maker, n, _SEED))
    found = drawn.select(PAPER_LIMITS.within(drawn)).reduced().unique().is_in(held_out)
    return _written(name, shares(name, drawn, all_known, PAPER_LIMITS), int(found.sum()), spent)


def _written(name: str, said: Shares, n_found: int, spent: float) -> str:
    parts = (
        said.n_made / said.n_drawn,
        said.charge_neutral,
        said.valid,
        said.valid_without_metals,
        said.unique,
        said.new,
        said.valid_unique_new,
    )
    return f"| {name} | {spent:.0f} | " + " | ".join(f"{part:.3f}" for part in parts) + f" | {n_found} |"


if __name__ == "__main__":
    main()
