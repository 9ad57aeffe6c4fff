"""A report kept: written where the page or the data behind it has changed, known to the database by its hash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from matsift_flows.workspace import Workspace
from matsift_schema.store.reports import find_report, write_report

_MARK = ".content_hash"
PAGE = "report.html"


def folder_of(workspace: Workspace, study: str) -> Path:
    """Return the folder in which the report of a study lies."""
    return workspace.settings.home / "reports" / study


def keep(
    workspace: Workspace, study: str, key: str, write: Callable[[Path], object], *, place: str = ""
) -> tuple[Path, bool]:
    """Return where the page of a study lies, and whether it was written just now.

    Parameters
    ----------
    workspace, study
        Where, and of which study.
    key
        Hash of what the page says.
    write
        Writes it into a folder.
    place
        Folder inside that of the study, for a further page of it.
    """
    folder = folder_of(workspace, study) / place
    page = folder / PAGE
    with workspace.sessions.begin() as session:
        is_known = find_report(session, study, key) is not None
    if is_known and page.exists() and _on_disk(folder) == key:
        return page, False
    write(folder)
    (folder / _MARK).write_text(key, encoding="utf-8")
    if not is_known:
        with workspace.run("report", study, {"report": key}) as run, workspace.sessions.begin() as session:
            write_report(session, run.id(session), study=study, content_hash=key, uri=page.as_uri())
    return page, True


def _on_disk(folder: Path) -> str | None:
    """Return the content hash of the report that lies in a folder; another setting of the study may have written it."""
    try:
        return (folder / _MARK).read_text(encoding="utf-8")
    except OSError:
        return None
