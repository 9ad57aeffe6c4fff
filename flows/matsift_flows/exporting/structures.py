"""Structures as files of other programs."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

from sqlalchemy.orm import Session

from matsift.errors import UserInputError
from matsift.exchange.stated import StatedStructure
from matsift_adapters.exporters.structures import ORDERED_ONLY, StructureFormat, write_structures
from matsift_flows.progress import Advance
from matsift_flows.workspace import Workspace
from matsift_schema.store.exported_structures import (
    StructureChoice,
    choose_structures,
    known_licences,
    known_sources,
    read_structures,
)
from matsift_schema.store.streaming import read_at_one_moment


def export_structures(workspace: Workspace, choice: StructureChoice, path: Path, form: StructureFormat) -> int:
    """Write structures to a file or folder, and return how many.

    Raises
    ------
    UserInputError
        If no structure is chosen, a source or licence is unknown, the format cannot hold one of them, or the place
        cannot be written.
    """
    with workspace.sessions.begin() as session:
        read_at_one_moment(session)
        _refuse_unknown("source", choice.sources, known_sources(session))
        _refuse_unknown("licence", choice.licences, known_licences(session))
        ids, n_disordered = choose_structures(session, choice)
        if not len(ids):
            raise UserInputError("no structure is as you ask; ask for less, `matsift export view structure` shows all")
        if n_disordered and form in ORDERED_ONLY:
            raise UserInputError(
                f"{n_disordered} of the {len(ids)} structures are disordered, which this format cannot hold; add "
                "--where is_ordered=true, or write CIFs or OPTIMADE"
            )
        with workspace.reporter.work("export structures", len(ids), "structures") as advance:
            write_structures(path, _told(session, ids.tolist(), advance), len(ids), form)
    return len(ids)


def _told(session: Session, ids: Sequence[int], advance: Advance) -> Iterator[list[StatedStructure]]:
    for chunk in read_structures(session, ids):
        yield chunk
        advance(len(chunk))


def _refuse_unknown(what: str, asked: Sequence[str], known: Sequence[str]) -> None:
    for name in asked:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3) or known
            listed = f"; there is {', '.join(near)}" if near else ""
            raise UserInputError(f"no entry has the {what} {name!r}{listed}")
