"""The formulas of a generative study: those that count as known, and those that its networks learn from."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from pathlib import Path

from matsift.errors import UserInputError
from matsift.generative.formulas import Compositions, read_formulas
from matsift.generative.rule_made import VERSION, rule_made_formulas
from matsift.study.generative import GenerativeSettings
from matsift.study.settings import Study
from matsift_flows.workspace import Workspace, code_version
from matsift_schema.store import generation as store
from matsift_schema.store.structures import load_structures


@dataclass(frozen=True, eq=False)
class StudyFormulas:
    """Reduced formulas, sorted, each once.

    `known` are those of the study's structures and of its file; `learned` holds them and those made by rules.
    """

    known: tuple[str, ...]
    learned: tuple[str, ...]

    @cached_property
    def known_compositions(self) -> Compositions:
        """The known formulas as a table."""
        return Compositions.from_formulas(self.known)

    @cached_property
    def learned_compositions(self) -> Compositions:
        """The formulas that were learned from as a table."""
        return Compositions.from_formulas(self.learned)

    @cached_property
    def learned_hash(self) -> str:
        """SHA-256 of the formulas that were learned from."""
        return hash_of(self.learned)


def study_formulas(workspace: Workspace, study: Study, settings: GenerativeSettings, base_dir: Path) -> StudyFormulas:
    """Return the formulas of a study; those made by rules are made once and kept as an artifact.

    Raises
    ------
    UserInputError
        If the file of formulas cannot be read.
    """
    with workspace.sessions.begin() as session:
        stored = load_structures(session, sources=[source.name for source in study.sources]).reduced_formulae
    named = _of_file(base_dir / settings.known.file, settings.known.column) if settings.known.file else []
    known = _readable([*stored, *named])
    made = _rule_made(workspace, study)[: settings.known.substituted] if settings.known.substituted else ()
    return StudyFormulas(tuple(sorted(known)), tuple(sorted({*known, *made})))


def hash_of(formulas: Sequence[str]) -> str:
    """Return the SHA-256 of formulas, sorted, one a line."""
    return hashlib.sha256("\n".join(sorted(formulas)).encode()).hexdigest()


def _readable(formulas: Sequence[str]) -> set[str]:
    """Return the reduced formulas of those that name whole numbers of atoms of known elements."""
    return set(read_formulas(sorted(set(formulas))).compositions.reduced().unique().formulas())


def _rule_made(workspace: Workspace, study: Study) -> tuple[str, ...]:
    settings = {"version": VERSION, "prototypes": f"pymatgen {version('pymatgen')}"}
    key = hash_of([f"rules {name} {value}" for name, value in settings.items()])
    with workspace.sessions.begin() as session:
        found = store.find_generator(session, key)
    if found is not None and found[1].artifact_sha256 is not None:
        return tuple(workspace.artifacts.get(found[1].artifact_sha256).decode().split())
    made = rule_made_formulas()
    artifact = workspace.artifacts.put("\n".join(made).encode(), ".txt")
    record = store.GeneratorRecord(
        content_hash=key,
        kind="rules",
        settings=settings,
        seed=0,
        formulas_hash=hash_of(made),
        n_formula=len(made),
        code_version=code_version(),
        artifact_sha256=artifact.sha256,
        artifact_uri=artifact.uri,
    )
    with workspace.run("generate", study.name, {"rules": key}) as run, workspace.sessions.begin() as session:
        store.write_generator(session, run.id(session), record)
    return made


def _of_file(path: Path, column: str) -> list[str]:
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(lines)
            if column not in (rows.fieldnames or ()):
                raise UserInputError(f"{path} has no column {column!r}; set generative.known.column")
            return [row[column].strip() for row in rows if row[column]]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserInputError(f"the formulas of {path} cannot be read ({error}); set generative.known.file") from None
