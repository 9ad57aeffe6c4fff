"""Descriptors of many structures in killable processes, with a time limit that holds for each single structure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from typing import cast

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.descriptors.mp import Facts
from matsift.descriptors.registry import descriptor_set, is_sparse
from matsift.descriptors.sets import DescriptorChunk
from matsift.errors import UserInputError
from matsift.execution.pool import TIME_LIMIT_EXCEEDED, Outcome
from matsift.execution.pools import n_at_once, open_pool

_TARGET = "matsift.descriptors.registry:compute_chunk"
_INITIALIZER = "matsift.descriptors.registry:prepare_worker"

#: Keys of some structures, the structures, and facts about them.
Piece = tuple[NDArray[np.int64], Sequence[Crystal], Facts | None]
#: One result: the keys of some structures (positions in the sequence given), and the chunk of each set for them.
Batch = tuple[NDArray[np.int64], dict[str, DescriptorChunk]]


def compute_many(
    names: Sequence[str],
    crystals: Sequence[Crystal],
    facts: Facts | None = None,
    *,
    n_worker: int,
    time_limit_s: float,
    chunk_size: int = 100,
    target: str = _TARGET,
) -> Iterator[Batch]:
    """Yield the descriptors of crystals chunk by chunk, as workers finish them; every crystal comes exactly once.

    When a chunk exceeds the limit, or its worker dies, its structures are tried again one by one; the one at fault
    becomes a failure (``DescriptorTimeout``, or how the worker ended), the others are computed.

    Parameters
    ----------
    names
        Descriptor sets.
    crystals, facts
        As in `matsift.descriptors.registry.compute`, for all structures.
    n_worker
        Processes of one thread each.
    time_limit_s
        Wall-clock limit of one worker's call, so no single structure can take longer.
    chunk_size
        Structures handed to a worker at a time; a smaller one answers sooner, a larger one has less overhead.
    target
        What a worker runs on (names, crystals, facts).

    Raises
    ------
    UnknownDescriptorSet
        If a set does not exist.
    """
    size = min(chunk_size, -(-len(crystals) // max(n_at_once(n_worker), 1)))
    pieces = (
        (np.array(indices), [crystals[i] for i in indices], _part(facts, indices))
        for indices in _slices(len(crystals), size)
    )
    yield from compute_stream(names, pieces, n_worker=n_worker, time_limit_s=time_limit_s, target=target)


def compute_stream(
    names: Sequence[str],
    pieces: Iterable[Piece],
    *,
    n_worker: int,
    time_limit_s: float,
    target: str = _TARGET,
) -> Iterator[Batch]:
    """Yield the descriptors of crystals that come piece by piece, as workers finish them, with the keys given.

    One set of workers does all pieces. They are drawn as workers need them, one ahead of each, so that many more
    structures than fit into memory can pass. Structures that hang or crash are handled as in `compute_many`.

    Parameters
    ----------
    names, n_worker, time_limit_s, target
        As in `compute_many`.
    pieces
        (keys, crystals, facts): (n,) integers that name n crystals, the crystals, and facts about them.

    Raises
    ------
    UnknownDescriptorSet
        If a set does not exist.
    UserInputError
        If a set is sparse.
    """
    for name in names:
        if is_sparse(descriptor_set(name).name):
            raise UserInputError(f"{name} gives lists, not columns: no learner of tables can read it")
    source, again, in_hand = iter(pieces), deque[Piece](), dict[int, Piece]()
    numbers = count()
    with open_pool(
        target, n_worker=n_worker, time_limit_s=time_limit_s, initializer=_INITIALIZER, init_args=(tuple(names),)
    ) as pool:
        while True:
            while pool.n_pending < 2 * pool.n_worker:
                piece = again.popleft() if again else next(source, None)
                if piece is None:
                    break
                number = next(numbers)
                in_hand[number] = piece
                pool.submit(number, (tuple(names), *piece[1:]))
            if not in_hand:
                return
            outcome = pool.next_outcome()
            keys, crystals, facts = in_hand.pop(cast("int", outcome.key))
            if outcome.ok:
                yield keys, outcome.value
            elif len(keys) > 1:
                again.extend((keys[i : i + 1], [crystals[i]], _part(facts, (i,))) for i in range(len(keys)))
            else:
                yield keys, _failed(names, outcome, time_limit_s)


def _slices(n: int, size: int) -> list[tuple[int, ...]]:
    return [tuple(range(i, min(i + size, n))) for i in range(0, n, max(size, 1))]


def _part(facts: Facts | None, indices: Sequence[int]) -> Facts | None:
    return None if facts is None else {name: np.asarray(values)[list(indices)] for name, values in facts.items()}


def _failed(names: Sequence[str], outcome: Outcome, time_limit_s: float) -> dict[str, DescriptorChunk]:
    """Return a failure in every set for one structure."""
    error_class, message = str(outcome.error_class), str(outcome.message)
    if error_class == TIME_LIMIT_EXCEEDED:
        error_class, message = "DescriptorTimeout", f"descriptors took longer than {time_limit_s:g} s"
    return {
        name: DescriptorChunk.failed(len(descriptor_set(name).columns), error_class, message, outcome.seconds)
        for name in names
    }
