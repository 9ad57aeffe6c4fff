"""Structures in chunks through killable processes: what fails as a whole is tried one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.execution.pools import open_pool
from matsift_flows.workspace import Workspace
from matsift_schema.store.structures import load_crystals


@dataclass(frozen=True, eq=False)
class Worked:
    """What came of some structures: a value, or for one alone the class and sentence of what went wrong."""

    ids: NDArray[np.int64]
    value: Any
    failure: tuple[str, str] | None = None


@dataclass(frozen=True)
class Work:
    """What the processes do: ``package.module:function`` and how they are made ready, chunk size and time limit."""

    target: str
    chunk: int
    time_limit_s: float
    initializer: str | None = None
    init_args: tuple[Any, ...] = ()


def worked(
    workspace: Workspace, work: Work, ids: NDArray[np.int64], payload: Callable[[list[Crystal]], Any]
) -> Iterator[Worked]:
    """Yield what the processes make of structures, as it comes; `payload` makes of crystals what they take."""
    size = max(1, min(work.chunk, -(-len(ids) // workspace.n_at_once)))
    pieces = [ids[start : start + size] for start in range(0, len(ids), size)]
    with open_pool(
        work.target,
        n_worker=workspace.n_worker,
        time_limit_s=work.time_limit_s,
        initializer=work.initializer,
        init_args=work.init_args,
    ) as pool:
        while pieces:
            again: list[NDArray[np.int64]] = []
            for outcome in pool.run(_payloads(workspace, pieces, payload)):
                here = pieces[cast("int", outcome.key)]
                if outcome.ok:
                    yield Worked(here, outcome.value)
                elif len(here) > 1:
                    again += [here[i : i + 1] for i in range(len(here))]
                else:
                    yield Worked(here, None, (str(outcome.error_class), str(outcome.message)))
            pieces = again


def _payloads(
    workspace: Workspace, pieces: Sequence[NDArray[np.int64]], payload: Callable[[list[Crystal]], Any]
) -> Iterator[tuple[int, Any]]:
    for number, here in enumerate(pieces):
        with workspace.sessions.begin() as session:
            crystals = load_crystals(session, here)
        yield number, payload(crystals)
