"""What the first two convolutions see of one-hot matrices: blocks of seven elements, few of them distinct.

The second convolution of the autoencoder steps by three rows of the first, which steps by two elements, so that its row
R reads the elements 6 R to 6 R + 6 and no row is read twice. Nearly all blocks are empty, the others hold one or two
elements, so a batch of 128 compositions has some 90 distinct ones among its 1792, and 30,000 some 1,900 in all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.generative.encoding import Cells

BLOCK_STEP, BLOCK_ROWS = 6, 7


@dataclass(frozen=True, eq=False)
class Batch:
    """The distinct blocks of n matrices.

    `ones` (m, 3) pattern, row in the block and column of the ones of the `n_pattern` distinct patterns (pattern 0 is
    empty), `group` and `pattern` (k,) the distinct pairs of block number and pattern, ordered by the former, `member`
    (n, blocks) the pair of each block.
    """

    n_pattern: int
    ones: NDArray[np.int64]
    group: NDArray[np.int64]
    pattern: NDArray[np.int64]
    member: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks of n matrices: `pattern` (n, blocks) and what each pattern holds, its first pattern being empty.

    `codes` (n_pattern, 7) holds row in the block times columns plus column of the ones, -1 past the last.
    """

    n_column: int
    pattern: NDArray[np.int32]
    codes: NDArray[np.int16]

    @classmethod
    def of(cls, cells: Cells, n_block: int, n_column: int) -> Blocks:
        """Return the blocks of matrices of n_column counts; a shared row of two blocks stands in both."""
        number, local = np.divmod(cells.element, BLOCK_STEP)
        shared = (local == 0) & (number > 0)
        row = np.concatenate([cells.row, cells.row[shared]])
        block = np.concatenate([number, number[shared] - 1])
        code = np.concatenate([local, np.full(shared.sum(), BLOCK_STEP)]) * n_column
        code += np.concatenate([cells.count, cells.count[shared]])
        read = block < n_block
        place, code = row[read] * n_block + block[read], code[read]
        order = np.lexsort((code, place))
        place, code = place[order], code[order]
        filled, first, length = np.unique(place, return_index=True, return_counts=True)
        codes = np.full((len(filled) + 1, BLOCK_ROWS), -1, dtype=np.int16)
        within = np.arange(len(place)) - np.repeat(first, length)
        codes[np.repeat(np.arange(1, len(filled) + 1), length), within] = code
        digits = (BLOCK_ROWS * n_column + 1) ** np.arange(BLOCK_ROWS, dtype=np.int64)  # seven fit in 63 bits up to 74
        _, example, inverse = np.unique((codes + 1) @ digits, return_index=True, return_inverse=True)
        pattern = np.zeros(cells.n * n_block, dtype=np.int32)  # the empty pattern has the number 0 and comes first
        pattern[filled] = inverse[1:]
        return cls(n_column, pattern.reshape(cells.n, n_block), codes[example])

    def __len__(self) -> int:
        return len(self.pattern)

    def batch(self, rows: NDArray[np.int64]) -> Batch:
        """Return the distinct blocks of some of the matrices, in the order of `rows`."""
        pattern = self.pattern[rows]
        used, renumbered = np.unique(np.concatenate([[0], pattern.reshape(-1)]), return_inverse=True)
        renumbered = renumbered.reshape(-1)[1:].reshape(pattern.shape)
        pairs, member = np.unique(renumbered + np.arange(pattern.shape[1]) * len(used), return_inverse=True)
        group, of_pair = np.divmod(pairs, len(used))
        codes = self.codes[used]
        owner, place = np.nonzero(codes >= 0)
        row, column = np.divmod(codes[owner, place].astype(np.int64), self.n_column)
        return Batch(len(used), np.stack([owner, row, column], axis=1), group, of_pair, member.reshape(pattern.shape))
