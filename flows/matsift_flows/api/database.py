"""A database of matsift for notebooks and scripts: what it holds as frames, structures, models, rankings, figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self
from urllib.parse import unquote, urlsplit

import pyarrow.parquet

from matsift.errors import UserInputError
from matsift.reports.model_card import ModelCard
from matsift_adapters.settings import Settings
from matsift_flows.api.frames import Frame, Library, checked_library, column, frame_of, is_frame, new_frame
from matsift_flows.api.models import Model, stored_descriptors
from matsift_flows.progress import Reporter
from matsift_flows.reporting.cards import card_of
from matsift_flows.workspace import Workspace, open_existing
from matsift_schema.faults import told_plainly
from matsift_schema.store import answers as store
from matsift_schema.store.lookups import structure_ids
from matsift_schema.store.model_cards import study_model_hashes
from matsift_schema.store.reports import known_studies, latest_report
from matsift_schema.store.structures import load_crystals
from matsift_schema.store.why import find_structures

if TYPE_CHECKING:
    import plotly.graph_objects as go
    from pymatgen.core import Structure

_CANDIDATES = "candidates.parquet"
_SHOWN = 6


def open_database(url: str | None = None, *, home: str | Path | None = None, frames: Library = "pandas") -> Database:
    """Open a database of matsift; `with` or `close` ends the connection.

    Parameters
    ----------
    url
        Address of a PostgreSQL, ``postgresql://...``. If None that of MATSIFT_DATABASE_URL, else the embedded server,
        which is started if need be.
    home
        Folder of the embedded server, the models and the reports; MATSIFT_HOME, else ``.matsift``, if None.
    frames
        Library of the frames that it gives: ``"pandas"`` or ``"polars"``.

    Raises
    ------
    UserInputError
        If the settings are not usable, there is no database yet, or polars is asked for and not installed.
    DatabaseError
        If the database cannot be used.
    """
    library = checked_library(frames)
    stack = ExitStack()
    settings = Settings.load(database_url=url, home=home)
    workspace = stack.enter_context(open_existing(settings, Reporter(quiet=True)))
    return Database(workspace, stack, library)


class Database:
    """An open database; `matsift.open` gives it. It reads and never writes."""

    def __init__(self, workspace: Workspace, stack: ExitStack, frames: Library) -> None:
        self._workspace, self._stack, self._frames = workspace, stack, frames

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<matsift.Database {self._workspace.engine.url.render_as_string(hide_password=True)}>"

    def close(self) -> None:
        """End the connections; the embedded server goes on."""
        self._stack.close()

    def query(self, sql: str, values: Mapping[str, Any] | None = None) -> Frame:
        """Return the answer to a query in SQL, which may read and not write.

        Parameters
        ----------
        sql
            One SELECT; the views of the schema ``analysis`` are documented in docs/sql.md.
        values
            Name -> value of what stands as ``%(name)s`` in it; a per cent sign is then written ``%%``.

        Raises
        ------
        UserInputError
            If PostgreSQL does not answer it.
        """
        return self._frame(lambda session: store.ask(session, sql, values))

    def structures(
        self,
        elements: Sequence[str] = (),
        *,
        formula: str | None = None,
        sources: Sequence[str] = (),
        limit: int | None = None,
    ) -> Frame:
        """Return rows of ``analysis.structure``: with all of these elements, of a formula, stated by a source."""
        having, of = _many(elements), _many(sources)
        return self._frame(
            lambda session: store.structures(session, elements=having, formula=formula, sources=of, limit=limit)
        )

    def labels(
        self,
        property_name: str | None = None,
        *,
        elements: Sequence[str] = (),
        verdict: Literal["accepted", "rejected"] | None = None,
        limit: int | None = None,
    ) -> Frame:
        """Return rows of ``analysis.label``: values that count now, with the newest verdict of the quality rules."""
        having = _many(elements)
        return self._frame(
            lambda session: store.labels(
                session, property_name=property_name, elements=having, verdict=verdict, limit=limit
            )
        )

    def predictions(
        self,
        property_name: str | None = None,
        *,
        model: str | None = None,
        elements: Sequence[str] = (),
        limit: int | None = None,
    ) -> Frame:
        """Return rows of ``analysis.prediction``: of each structure the newest, or those of one model version."""
        chosen = _many(elements)
        if model is not None:
            key = self.model(model).id
            return self._frame(lambda session: store.predictions_of_model(session, key, elements=chosen, limit=limit))
        return self._frame(
            lambda session: store.predictions(session, property_name=property_name, elements=chosen, limit=limit)
        )

    def models(self, study: str | None = None) -> Frame:
        """Return rows of ``analysis.model`` over the test labels: of all model versions, or of those of a study."""

        def asked(session: Any) -> store.Answer:
            return store.models(session, None if study is None else study_model_hashes(session, study))

        return self._frame(asked)

    def model(self, model_hash: str) -> Model:
        """Return a model version by its content hash, or the beginning of it.

        Raises
        ------
        UserInputError
            If none, or more than one, is called so.
        """
        return Model(self._workspace, model_hash, self._frames)

    def card(self, model_hash: str) -> ModelCard:
        """Return the card of a model version, which a notebook shows as text."""
        return card_of(self._workspace, model_hash)

    def structure(self, wanted: str) -> Structure:
        """Return a structure of pymatgen by the beginning of its hash, its id in a source, or its formula.

        Raises
        ------
        UserInputError
            If none, or more than one, is called so.
        """
        with told_plainly(), self._workspace.sessions.begin() as session:
            found = find_structures(session, wanted, limit=_SHOWN) if wanted.strip() else []
            if not found:
                raise UserInputError(
                    f"no structure is called {wanted!r}; give its hash, an id in a source, or a formula"
                )
            if len(found) > 1:
                several = ", ".join(key[:10] for key in found)
                raise UserInputError(f"more than one structure is called {wanted!r}: {several}; give one by its hash")
            [crystal] = load_crystals(session, [structure_ids(session, found)[found[0]]])
        return crystal.to_pymatgen()

    def descriptors(self, sets: Sequence[str], structures: Sequence[str] | Frame) -> Frame:
        """Return the stored descriptors of structures, given by content hashes or by a frame with `structure_hash`.

        Raises
        ------
        UserInputError
            If a structure is not there, or nothing was ever computed in a set.
        """
        hashes = _hashes(structures)
        names, values = stored_descriptors(self._workspace, _many(sets), hashes)
        return new_frame({"structure_hash": hashes, **dict(zip(names, values.T, strict=True))}, self._frames)

    def ranking(self, study: str) -> Frame:
        """Return the candidates of the newest report of a study: the ranked ones in order, then those left out.

        Columns are named with their units, as in ``candidates.parquet`` beside the report.

        Raises
        ------
        UserInputError
            If the study has no report here, or ranks no candidates.
        """
        table = self._page(study).with_name(_CANDIDATES)
        if not table.exists():
            raise UserInputError(f"the study {study} ranks no candidates; see its report {self._page(study)}")
        read = pyarrow.parquet.read_table(table)
        return new_frame(read.to_pydict(), self._frames) if self._frames == "polars" else read.to_pandas()

    def figures(self, study: str) -> dict[str, go.Figure]:
        """Return name -> figure of the plots of the newest report of a study.

        Raises
        ------
        UserInputError
            If the study has no report here.
        """
        from matsift.reports.page_plots import plots_of  # noqa: PLC0415  plotly takes half a second

        return plots_of(self._page(study).read_text(encoding="utf-8"))

    def _page(self, study: str) -> Path:
        with told_plainly(), self._workspace.sessions.begin() as session:
            uri = latest_report(session, study)
            known = ", ".join(known_studies(session)) or "none yet"
        if uri is None:
            raise UserInputError(f"there is no report of a study {study!r}; there are reports of {known}")
        page = Path(unquote(urlsplit(uri).path))
        if not page.exists():
            raise UserInputError(f"the report of {study} is not here any more ({page}); run `matsift report` anew")
        return page

    def _frame(self, ask: Callable[[Any], store.Answer]) -> Frame:
        with told_plainly(), self._workspace.sessions.begin() as session:
            return frame_of(ask(session), self._frames)


def _many(names: Sequence[str]) -> list[str]:
    return [names] if isinstance(names, str) else list(names)


def _hashes(structures: Sequence[str] | Frame) -> list[str]:
    return column(structures, "structure_hash") if is_frame(structures) else _many(structures)
