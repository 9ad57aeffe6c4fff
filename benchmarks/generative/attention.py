"""Roost's messages between elements, values and derivatives: pairs in the processor's cache beside arrays of all."""

from __future__ import annotations

import time

import torch

from matsift.generative.formulas import Compositions
from matsift.learners.roost_items import Items
from matsift.learners.roost_network import Attention
from matsift.learners.roost_settings import RoostSettings

_BATCH = 128
_TIMES = 5


def attention(some: Compositions) -> tuple[float, float, float]:
    """Return compositions a second of either way, and the largest difference of what they give, relative.

    One layer of the paper's size takes batches of 128; both ways begin with the same products.
    """
    torch.set_num_threads(1)
    chosen = RoostSettings(preset="paper")
    items = Items.of(some.fractions())
    layer = Attention(chosen.width, chosen.heads, chosen.hidden, in_pairs=True)
    rates, given = [], []
    for in_cache in (True, False):
        layer.in_cache = in_cache
        _run(layer, items, 1)
        began = time.process_time()
        given.append(_run(layer, items, _TIMES))
        rates.append(_TIMES * _BATCH / (time.process_time() - began))
    apart = float((given[0] - given[1]).abs().max() / given[1].abs().max())
    return rates[0], rates[1], apart


def _run(layer: Attention, items: Items, times: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    for _ in range(times):
        rows = torch.randint(len(items), (_BATCH,), generator=generator).numpy()
        batch = items.batch(rows, torch.device("cpu"))
        features = torch.randn(len(batch.elements), layer.other.shape[1], generator=generator, requires_grad=True)
        out = layer(features, batch.fractions.log(), batch.blocks)
        torch.autograd.backward(out.square().sum())
    assert features.grad is not None
    return features.grad
