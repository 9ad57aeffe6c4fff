"""Roost: a composition as a graph of its elements, each told of by all (Goodall and Lee 2020, Nat. Commun. 11, 6280).

The published code lists every pair of elements of every composition, and sends each pair through a gate and a message
of one hidden layer. The same numbers are had for a fraction of the products: the hidden layer of a pair is the sum of
what its two elements bring, each computed once an element, and as the gates of an element's neighbours add up to 1, the
layer behind the message acts on their gated sum. Compositions of equally many elements stand together as dense blocks,
so that nothing is padded, gathered or scattered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from matsift.learners.roost_kernel import SLOPE, pair_means
from matsift.learners.roost_settings import RoostSettings

#: Number of compositions, and elements in each of them: one dense block.
Block = tuple[int, int]


class Roost(nn.Module):
    """The network of the settings, on elements that `table` (n_element, n_property) tells of."""

    table: Tensor

    def __init__(self, settings: RoostSettings, table: Tensor) -> None:
        super().__init__()
        self.register_buffer("table", table, persistent=False)
        width = settings.width
        self.embedding = nn.Linear(table.shape[1], width - 1)
        self.layers = nn.ModuleList(
            Attention(width, settings.heads, settings.hidden, in_pairs=True) for _ in range(settings.layers)
        )
        self.pool = Attention(width, settings.pool_heads, settings.hidden, in_pairs=False)
        widths = (width, *settings.output)
        steps = list(pairwise(widths))
        self.dense = nn.ModuleList(nn.Linear(before, after) for before, after in steps)
        self.passed = nn.ModuleList(
            nn.Identity() if before == after else nn.Linear(before, after, bias=False) for before, after in steps
        )
        self.answer = nn.Linear(widths[-1], 1)

    def forward(self, elements: Tensor, fractions: Tensor, blocks: Sequence[Block]) -> Tensor:
        """Return the answers (n,) for n compositions.

        Parameters
        ----------
        elements
            (m,) rows of the table, composition after composition.
        fractions
            (m,) share of each in its composition, above 0.
        blocks
            How many compositions of how many elements follow each other; the products add up to m.
        """
        features = torch.cat([self.embedding(self.table)[elements], fractions[:, None]], dim=1)
        logarithms = fractions.log()
        for layer in self.layers:
            features = features + layer(features, logarithms, blocks)
        known = self.pool(features, logarithms, blocks)
        for dense, passed in zip(self.dense, self.passed, strict=True):
            known = functional.relu(dense(known)) + passed(known)
        return torch.as_tensor(self.answer(known))[:, 0]


class Attention(nn.Module):
    """Gated means over the elements of a composition, for each of its elements (`in_pairs`) or for it as a whole.

    On a processor pairs are taken one by one (`roost_kernel`) unless `in_cache` is False; the numbers are the same.
    A head weighs neighbour j by its gate, softmax of logit + power ln(fraction), and averages the messages; the heads
    are averaged.
    """

    def __init__(self, width: int, heads: int, hidden: int, *, in_pairs: bool) -> None:
        super().__init__()
        self.heads, self.hidden, self.in_cache = heads, hidden, True
        self.own = nn.Parameter(torch.empty(2 * heads * hidden, width)) if in_pairs else None
        self.other = nn.Parameter(torch.empty(2 * heads * hidden, width))
        self.shift = nn.Parameter(torch.empty(2 * heads * hidden))
        self.gate = nn.Parameter(torch.empty(heads, hidden))
        self.power = nn.Parameter(torch.randn(heads))
        self.message = nn.Parameter(torch.empty(width, heads * hidden))
        self.message_shift = nn.Parameter(torch.empty(heads, width))
        first = 1 / math.sqrt(width * (2 if in_pairs else 1))
        for parameter, bound in (
            (self.own, first),
            (self.other, first),
            (self.shift, first),
            (self.gate, 1 / math.sqrt(hidden)),
            (self.message, 1 / math.sqrt(hidden)),
            (self.message_shift, 1 / math.sqrt(hidden)),
        ):
            if parameter is not None:
                nn.init.uniform_(parameter, -bound, bound)

    def forward(self, features: Tensor, logarithms: Tensor, blocks: Sequence[Block]) -> Tensor:
        """Return the means: (m, width) in pairs, else (n, width), of (m, width) features and logarithms (m,)."""
        theirs = functional.linear(features, self.other, self.shift)
        mine = None if self.own is None else functional.linear(features, self.own)
        weights = logarithms[:, None] * self.power
        if mine is not None and self.in_cache and mine.device.type == "cpu":
            means = pair_means(mine, theirs, weights, self.gate, blocks)
        else:
            means = self._all_means(mine, theirs, weights, blocks)
        return functional.linear(means, self.message / self.heads, self.message_shift.mean(dim=0))

    def _all_means(self, mine: Tensor | None, theirs: Tensor, weights: Tensor, blocks: Sequence[Block]) -> Tensor:
        means, place = [], 0
        for n, k in blocks:
            here = slice(place, place + n * k)
            own = None if mine is None else mine[here]
            means.append(self._means(own, theirs[here], weights[here], n, k))
            place += n * k
        return torch.cat(means)

    def _means(self, own: Tensor | None, theirs: Tensor, weights: Tensor, n: int, k: int) -> Tensor:
        """Return the gated means of the hidden layers of messages: (n k or n, heads x hidden)."""
        shape = (n, k, 2 * self.heads * self.hidden)
        hidden = theirs.view(n, 1, *shape[1:]) if own is None else theirs.view(n, 1, *shape[1:]) + own.view(n, k, 1, -1)
        hidden = functional.leaky_relu(hidden, SLOPE).view(n, -1, k, 2, self.heads, self.hidden)
        logits = (hidden[:, :, :, 0] * self.gate).sum(dim=-1)
        gates = torch.softmax(logits + weights.view(n, 1, k, self.heads), dim=2)
        return (hidden[:, :, :, 1] * gates[..., None]).sum(dim=2).flatten(0, 1).flatten(1)
