"""Hand-off: claimed structures go out in folders, and folders or tables that come back settle them, in any order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from sqlalchemy.orm import Session

from matsift.errors import MatsiftError, OracleError, UserInputError
from matsift.study.handoff import HandOffOracle, ManualOracle
from matsift.study.settings import Study
from matsift_adapters.oracles.handoff import (
    TABLE,
    handed_out,
    read_card,
    read_folder,
    read_table,
    write_folder,
    write_table,
)
from matsift_adapters.oracles.registry import Oracle
from matsift_adapters.oracles.returned import Failed, Returned, Running
from matsift_flows.answers import Answer, record
from matsift_flows.askings import askings
from matsift_flows.orchestration import inner_flow
from matsift_flows.worker import campaigns_of
from matsift_flows.workspace import Workspace
from matsift_schema.store import acquisitions as queue
from matsift_schema.store.lookups import structure_ids
from matsift_schema.store.runs import LazyRun
from matsift_schema.store.settling import n_failure, settle_answered
from matsift_schema.store.structures import load_crystals

#: A file of this name in a folder says what the operator calls the work, for example its number in a batch queue.
JOB = "job"

_HOUR_S = 3600.0


@dataclass
class HandedOut:
    """What a worker holds now: folders that are new, folders that were there, and structures without inputs."""

    new: list[Path] = field(default_factory=list)
    there: list[Path] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


@dataclass
class TakenBack:
    """What came back: how many were labelled, failed, known before or still running, and what could not be read."""

    counts: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Item:
    """One thing that came back: what it says, of which structure, by whom, in which attempt."""

    structure_hash: str
    returned: Returned
    worker: str
    attempt: int | None
    job: str | None = None


@inner_flow("claim")
def claim(workspace: Workspace, study: Study, worker: str, count: int, out: Path, lease_hours: float) -> HandedOut:
    """Let a worker hold `count` acquisitions of a study, each with its folder in `out`.

    The same call again claims nothing more: it extends the leases, and writes the folders that are missing.

    Raises
    ------
    UserInputError
        If the oracle computes by itself, the study has no campaign yet, or the folder cannot be written.
    """
    asked, settings = _hand_off(study)
    lease_s = lease_hours * _HOUR_S
    done = HandedOut()
    with workspace.alone_as(worker):
        with workspace.sessions.begin() as session:
            campaigns = campaigns_of(session, study, asked)
            settle_answered(session, campaigns=list(campaigns))
            held = queue.held_acquisitions(session, list(campaigns), worker)
            queue.renew_leases(session, [row.id for row in held], worker=worker, lease_s=lease_s)
            wanted = max(count - len(held), 0)
            held += queue.claim_acquisitions(session, list(campaigns), worker=worker, limit=wanted, lease_s=lease_s)
        card = {
            "study": study.name,
            "worker": worker,
            "properties": sorted(set(campaigns.values())),
            "lease_expires_at": (datetime.now(UTC) + timedelta(seconds=lease_s)).isoformat(timespec="seconds"),
        }
        with workspace.run("claim", study.name, {"worker": worker, "method": asked.method}) as run:
            for row in held:
                _hand_out(workspace, run, asked, settings, row, out, card, done)
    return done


def _hand_out(
    workspace: Workspace,
    run: LazyRun,
    asked: Oracle,
    settings: HandOffOracle,
    row: queue.AcquisitionRow,
    out: Path,
    card: Mapping[str, Any],
    done: HandedOut,
) -> None:
    """Write the folder of a claim where it is missing; inputs that cannot be made are a failure of the structure."""
    with workspace.sessions.begin() as session:
        (crystal,) = load_crystals(session, [row.structure_id])
        attempt = n_failure(session, row.structure_hash, asked.method) + 1
    folder = out / _folder_name(row, attempt)
    was_there = folder.exists()
    try:
        write_folder(settings, asked.method, crystal, folder, {**card, "attempt": attempt})
        if isinstance(settings, ManualOracle):
            write_table(settings, out / TABLE, [(row.structure_hash, row.formula, attempt)])
    except OracleError as error:
        done.refused.append(f"{row.formula}: {error}")
        answer = Answer(failure=(type(error).__name__, str(error)))
        structure, worker = (row.structure_id, row.structure_hash), str(card["worker"])
        with workspace.sessions.begin() as session:
            record(session, run, asked, structure, answer, worker=worker, attempt=attempt)
    except OSError as error:
        raise UserInputError(
            f"{folder} cannot be written ({error.strerror}); name another folder with --out, the same "
            "command writes what is missing"
        ) from error
    else:
        (done.there if was_there else done.new).append(folder)


@inner_flow("take back")
def take_back(workspace: Workspace, study: Study, place: Path) -> TakenBack:
    """Read folders or a table that came back, and settle what they say; each is a transaction of its own.

    Raises
    ------
    UserInputError
        If the oracle computes by itself, the study has no campaign yet, or nothing that was handed out lies there.
    SourceError
        If a table is none, or lacks a unit.
    """
    asked, settings = _hand_off(study)
    taken = TakenBack()
    with workspace.sessions.begin() as session:
        campaigns = campaigns_of(session, study, asked)
        for key in campaigns if workspace.retry_failed else ():
            queue.retry_failed(session, key)
        rows = [row for key in campaigns for row in queue.load_acquisitions(session, key)]
    if isinstance(settings, ManualOracle):
        items = _from_forms(settings, asked, place, rows, sorted(set(campaigns.values())), taken)
    else:
        items = _from_folders(settings, asked, place, taken)
    with workspace.run("label", study.name, {"from": str(place), "method": asked.method}) as run:
        for item in items:
            with workspace.sessions.begin() as session:
                _take(session, run, study, asked, item, rows, taken)
    return taken


def _take(
    session: Session,
    run: LazyRun,
    study: Study,
    asked: Oracle,
    item: _Item,
    rows: Sequence[queue.AcquisitionRow],
    taken: TakenBack,
) -> None:
    """Settle what one thing that came back says; what still runs keeps its lease. Not committed."""
    known = structure_ids(session, [item.structure_hash])
    if item.structure_hash not in known:
        taken.complaints.append(f"no structure {item.structure_hash[:12]} is in this database; it was left")
        return
    structure = known[item.structure_hash], item.structure_hash
    mine = [row.id for row in rows if row.structure_id == structure[0] and row.claimed_by == item.worker]
    if item.job is not None:
        for key in mine:
            queue.note_job(session, key, worker=item.worker, job=item.job)
    if isinstance(item.returned, Running):
        queue.renew_leases(session, mine, worker=item.worker, lease_s=study.campaign.lease_hours * _HOUR_S)
        taken.counts["running"] += 1
        return
    attempt = item.attempt or n_failure(session, item.structure_hash, asked.method) + 1
    answer = _answer(item.returned)
    said = record(session, run, asked, structure, answer, worker=item.worker, attempt=attempt)
    state = "failed" if said.failed else "labelled"
    taken.counts[state if said.n_settled else "known"] += 1


def _hand_off(study: Study) -> tuple[Oracle, HandOffOracle]:
    """Return the oracle of a study that works elsewhere, of which there is one at most, and its settings."""
    asked = askings(study)
    found = next((one for one in asked if one.oracle.mode == "hands_off"), None)
    if found is None:
        raise UserInputError(
            f"the oracle {asked[0].oracle.name} needs no folders: `matsift run` and `matsift label` ask it here; "
            "vasp, espresso and manual hand their work off"
        )
    return found.oracle, cast("HandOffOracle", found.settings)


def _folder_name(row: queue.AcquisitionRow, attempt: int) -> str:
    name = f"{row.formula}-{row.structure_hash[:12]}"
    return name if attempt == 1 else f"{name}-{attempt}"


def _from_folders(settings: HandOffOracle, asked: Oracle, place: Path, taken: TakenBack) -> Iterator[_Item]:
    folders = list(handed_out(place))
    if not folders:
        raise UserInputError(f"{place} holds nothing that `matsift claim` handed out; name the folder given to --out")
    for folder in folders:
        try:
            card = read_card(folder)
            if card.get("method") != asked.method:
                taken.complaints.append(
                    f"{folder} was handed out for the method {card.get('method')}, and the study asks for "
                    f"{asked.method} now; restore the settings of its oracle to read it"
                )
                continue
            returned = read_folder(settings, folder)
        except MatsiftError as error:
            taken.complaints.append(str(error))
            continue
        yield _Item(
            str(card["handed_out"].get("structure_hash", "")),
            returned,
            str(card.get("worker", "somebody")),
            int(card.get("attempt", 1)),
            _job(folder),
        )


def _from_forms(
    settings: ManualOracle,
    asked: Oracle,
    place: Path,
    rows: list[queue.AcquisitionRow],
    wanted: list[str],
    taken: TakenBack,
) -> Iterator[_Item]:
    """Yield what a table says; of folders, what the table beside them says, and then the form in each."""
    if place.is_file():
        yield from _from_table(settings, place, rows, wanted, taken)
        return
    told = set()
    if (place / TABLE).is_file():
        for item in _from_table(settings, place / TABLE, rows, wanted, taken):
            told.add((item.structure_hash, item.attempt))
            yield item
        taken.counts["running"] = 0  # what the table leaves open, the forms of the folders count
    for item in _from_folders(settings, asked, place, taken):
        if (item.structure_hash, item.attempt) not in told:
            yield item


def _from_table(
    settings: ManualOracle, place: Path, rows: list[queue.AcquisitionRow], wanted: list[str], taken: TakenBack
) -> Iterator[_Item]:
    table = read_table(settings, place, {row.structure_hash for row in rows}, wanted)
    taken.complaints += table.complaints
    taken.counts["running"] += table.n_open
    holder = {row.structure_hash: str(row.claimed_by) for row in rows if row.claimed_by}
    for line in table.rows:
        worker = holder.get(line.structure_hash, place.name)
        yield _Item(line.structure_hash, line.returned, worker, line.attempt)


def _job(folder: Path) -> str | None:
    try:
        written = (folder / JOB).read_text(encoding="utf-8", errors="replace").split("\n", 1)[0].strip()
    except OSError:
        return None
    return written[:200] or None


def _answer(returned: Any) -> Answer:
    if isinstance(returned, Failed):
        return Answer(failure=(returned.error_class, returned.message))
    if returned.detail.get("born_stable", True) is False:
        return Answer(
            failure=(OracleError.__name__, "the elastic tensor is not positive definite: the crystal is unstable")
        )
    return Answer(returned.values, returned.detail)
