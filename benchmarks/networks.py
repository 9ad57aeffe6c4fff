"""What a training step of the networks costs, printed as Markdown: the fused layers beside torch's own.

make bench-networks
python -m benchmarks.networks --items 128 --lines 400
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from matsift.diffraction.fused_layers import fused_answer
from matsift.diffraction.grid import N_BIN
from matsift.diffraction.networks import Answer, NetworkShape, SpaceGroupNet, dense_tensor, loss_of
from matsift.diffraction.sparse import SparseProfiles

_CPU = torch.device("cpu")
_WIDTHS = (32, 80)
_N_CLASS = 57
_REPEATS = 5
_CHUNK = 64

_Ask = Callable[[SparseProfiles], Answer]


def main() -> int:
    """Print milliseconds of processor time and of the clock for a sample, forward and backward."""
    options = _options()
    torch.set_num_threads(1)
    profiles = _profiles(options.items, options.lines)
    print(f"Forward and backward of {options.items} profiles of {options.lines} lines, SpgVolNet, one thread:\n")
    print("| width | layers | products in | ms of processor a sample | ms by the clock | difference of logits |")
    print("|---|---|---|---|---|---|")
    for width in _WIDTHS:
        network = SpaceGroupNet(NetworkShape(_N_CLASS, volume=True, width=width), he=True)
        exact = network.eval()(dense_tensor(profiles, _CPU)).logits.detach()
        for layers, numbers, ask in _ways(network):
            away = float((ask(profiles).logits.detach() - exact).abs().max() / exact.abs().max())
            print(f"| {width} | {layers} | {numbers} | {_times(network, ask, profiles)} | {away:.1e} |", flush=True)
    return 0


def _ways(network: SpaceGroupNet) -> Iterator[tuple[str, str, _Ask]]:
    yield "torch's", "float32", lambda batch: network(dense_tensor(batch, _CPU))
    yield "fused", "float32", lambda batch: fused_answer(network, batch)
    yield "fused", "bfloat16", lambda batch: fused_answer(network, batch, torch.bfloat16)


def _times(network: SpaceGroupNet, ask: _Ask, profiles: SparseProfiles) -> str:
    """Return the least milliseconds a sample of several tries: of the processor, and by the clock."""
    parts = [profiles.take(np.arange(i, min(i + _CHUNK, len(profiles)))) for i in range(0, len(profiles), _CHUNK)]
    network.train()
    processor, clock = [], []
    for _ in range(_REPEATS + 1):
        begin = time.process_time(), time.perf_counter()
        for part in parts:
            n = len(part)
            torch.autograd.backward(loss_of(ask(part), torch.zeros(n, dtype=torch.long), torch.zeros(n)))
        processor.append(time.process_time() - begin[0])
        clock.append(time.perf_counter() - begin[1])
    network.eval()
    return " | ".join(f"{min(times[1:]) / len(profiles) * 1e3:.2f}" for times in (processor, clock))


def _profiles(n: int, n_line: int) -> SparseProfiles:
    rng = np.random.default_rng(0)
    bins = [np.sort(rng.choice(N_BIN, n_line, replace=False)) for _ in range(n)]
    return SparseProfiles.from_lists(bins, [np.append(rng.random(n_line - 1), 1.0) for _ in bins])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.networks", description="rate of the networks")
    parser.add_argument("--items", type=int, default=256, help="profiles of a measurement")
    parser.add_argument("--lines", type=int, default=400, help="lines of a profile")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
