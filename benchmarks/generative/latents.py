"""Autoencoders of the paper's known formulas: exact round trips of those held out, time, rates beside plain torch.

python -m benchmarks.generative.latents
python -m benchmarks.generative.latents --formulas 20000 --largest 20 --width 0.125 --epochs 6
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from benchmarks.generative.samples import known
from benchmarks.telling import tell, versions

from matsift.generative.autoencoder import CompositionAutoencoder, train_autoencoder
from matsift.generative.autoencoder_network import AutoencoderNetwork
from matsift.generative.autoencoder_training import AutoencoderSettings
from matsift.generative.encoding import Encoding
from matsift.generative.formulas import Compositions

_SEED = 123
_ASKED, _BATCH = 2_000, 64


def lines(compositions: Compositions, settings: AutoencoderSettings, checkpoints: Path | None) -> Iterator[str]:
    """Yield what a training of compositions comes to, and how fast the trained network is, as Markdown."""
    begin = time.process_time()
    made = train_autoencoder(
        compositions, Encoding(), settings, seed=_SEED, checkpoints=checkpoints, on_epoch=lambda r: tell(str(r))
    )
    spent = time.process_time() - begin
    held_out = compositions.select(made.validation_rows())
    back = made.round_trips(held_out)
    yield f"{len(compositions):,} formulas, of which {len(held_out):,} held out; {settings.plain()}\n"
    yield f"training: {spent:.0f} s of the processor (without the epochs of an earlier run)\n"
    yield "| held out | formulas | exact round trip | decode to a composition |"
    yield "|---|---|---|---|"
    decodes = made.decodes(made.encode(held_out))
    unread = held_out.counts[:, made.encoding.columns[len(made.encoding.columns) - made.shape.n_unread :]].any(axis=1)
    groups = _groups(held_out) | {"with an element that the encoder does not read": unread}
    for name, rows in groups.items():
        if rows.any():
            yield f"| {name} | {rows.sum():,} | {back[rows].mean():.3f} | {decodes[rows].mean():.3f} |"
    yield ""
    yield from _rates(made, compositions)


def _groups(some: Compositions) -> dict[str, np.ndarray]:
    """Return masks by name: all, and by number of elements."""
    return {"all": np.ones(len(some), dtype=bool)} | {
        f"{n} elements": some.n_element == n for n in np.unique(some.n_element)
    }


def _rates(made: CompositionAutoencoder, compositions: Compositions) -> Iterator[str]:
    asked = compositions.select(np.random.default_rng(0).permutation(len(compositions))[:_ASKED])
    latents = made.encode(asked)
    matrices = torch.from_numpy(made.encoding.matrices(asked))
    network = made.network

    def plain_latents() -> None:
        for part in torch.split(matrices, _BATCH):
            network.plain_latents(part)

    def plain_logits() -> None:
        for part in torch.split(torch.from_numpy(latents), _BATCH):
            network.plain_logits(part)

    def plain_back() -> None:
        trained = AutoencoderNetwork(made.shape)
        for part in torch.split(matrices, _BATCH):
            trained.zero_grad()
            logits = trained.plain_logits(trained.plain_latents(part))
            torch.nn.functional.binary_cross_entropy_with_logits(logits, part).backward()  # type: ignore[no-untyped-call]

    one = AutoencoderSettings(**{**made.settings, "epochs": 1, "validation_fraction": 1 / len(asked)})
    yield "| compositions a second, one core | ours | plain layers of torch |"
    yield "|---|---|---|"
    doings: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "encoded": (lambda: made.encode(asked), plain_latents),
        "decoded to a formula": (lambda: made.decode(latents).formulas(), plain_logits),
        "asked for the probability of decoding, with slopes": (
            lambda: made.log_valid_with_gradient(latents),
            lambda: None,
        ),
        "learned from": (lambda: train_autoencoder(asked, made.encoding, one, seed=0), plain_back),
    }
    for what, (ours, plain) in doings.items():
        yield f"| {what} | {_rate(ours, len(asked))} | {_rate(plain, len(asked))} |"


def _rate(do: Callable[[], object], n: int) -> str:
    begin = time.process_time()
    do()
    seconds = time.process_time() - begin
    return f"{n / seconds:,.0f}" if seconds > 1e-3 else ""


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formulas", type=int, help="of the known ones, at random; without: all")
    parser.add_argument("--largest", type=int, default=8, help="count of an element")
    parser.add_argument("--width", type=float, default=0.25)
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--checkpoints", type=Path, help="folder from which a stopped training goes on")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    name, compositions = known(20_000, _SEED)
    compositions = compositions.select(compositions.largest_count <= asked.largest)
    compositions = compositions.select(Encoding().refusals(compositions) == 0)
    order = np.random.default_rng(_SEED).permutation(len(compositions))[: asked.formulas]
    settings = AutoencoderSettings(
        width=asked.width,
        epochs=asked.epochs,
        batch=asked.batch,
        learning_rate=asked.rate,
        schedule="one_cycle",
        informed_start=True,
    )
    print(f"{name}, counts up to {asked.largest}; {versions('torch')}; one thread.\n")
    for line in lines(compositions.select(order), settings, asked.checkpoints):
        print(line, flush=True)


if __name__ == "__main__":
    main()
