"""The oracles by their settings: what labels a structure, under which method, by which worker function."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from matsift.crystal import Crystal
from matsift.study.oracles import (
    AseOracle,
    ChgnetOracle,
    GpawOracle,
    OracleSettings,
    ReplayOracle,
    oracle_settings,
)

Mode = Literal["computes", "replays", "hands_off"]

#: Rises when the code behind a task gives other numbers for the same settings.
_SCHEME = 1

#: What changes no number: where the code lies, and which structures are too large for it.
_OF_NO_NUMBER = {"python", "max_atoms"}
_OF_TASK = {
    "equation_of_state": {"points", "step"},
    "elasticity": {"strain", "points", "step"},
    "band_gap": {"empty_bands"},
}


@dataclass(frozen=True)
class Oracle:
    """Something that labels structures.

    Parameters
    ----------
    name
        Short name, the kind of its settings.
    method
        Code, version, task and a short hash of all parameters that change the number: what labels name as their
        method. Same parameters, same method.
    properties
        What a structure gets from it; empty for whatever the study asks for.
    mode
        It computes here and now, replays labels that a source states, or hands work off to somebody.
    target, initializer
        ``module:function`` for `matsift.execution.killable.KillablePool`, where it computes. The target takes one
        `payload` and returns a dict with the value of each of `properties`, and where it has them `born_stable`,
        `detail` (a dict for JSON: parameters, versions, what was measured). It raises OracleError of one sentence.
    settings
        What every payload carries; None where the target takes the crystal alone.
    needs
        Raises UserInputError if something that it needs is not installed.
    """

    name: str
    method: str
    properties: tuple[str, ...]
    mode: Mode
    target: str | None = None
    initializer: str | None = None
    settings: Mapping[str, Any] | None = field(default=None, hash=False)
    needs: Callable[[], None] | None = field(default=None, compare=False)

    @property
    def origin(self) -> str:
        """What its labels name as their origin."""
        return f"oracle:{self.name}"

    def check(self) -> None:
        """Raise UserInputError, with the remedy, if something that it needs is not installed on this machine."""
        if self.needs is not None:
            self.needs()

    def payload(self, crystal: Crystal) -> Any:
        """Return what the target takes for a crystal.

        Raises
        ------
        UserInputError
            If something that the oracle needs is not installed.
        """
        self.check()
        return crystal if self.settings is None else (dict(self.settings), crystal)


def oracle(settings: OracleSettings | str) -> Oracle:
    """Return the oracle of settings, or of a kind with its defaults.

    Raises
    ------
    UserInputError
        If there is none, or it cannot do without settings.
    """
    asked = oracle_settings(settings)
    if isinstance(asked, ChgnetOracle):
        return _chgnet(asked)
    if isinstance(asked, AseOracle):
        return _ase(asked)
    if isinstance(asked, GpawOracle):
        return _gpaw(asked)
    if isinstance(asked, ReplayOracle):
        return Oracle(asked.kind, asked.kind, asked.properties, "replays")
    from matsift_adapters.oracles.handoff import method_of  # noqa: PLC0415  it loads pymatgen

    return Oracle(asked.kind, method_of(asked), asked.properties, "hands_off")


def _chgnet(asked: ChgnetOracle) -> Oracle:
    from matsift_adapters.oracles.chgnet import METHOD  # noqa: PLC0415  it loads ASE

    module = "matsift_adapters.oracles.chgnet"
    target, initializer = f"{module}:label_elasticity", f"{module}:initialize_worker"
    return Oracle(asked.kind, METHOD, asked.properties, "computes", target, initializer)


def _ase(asked: AseOracle) -> Oracle:
    from matsift_adapters.oracles.ase_engine import code_of  # noqa: PLC0415  it loads ASE

    settings = asked.model_dump(mode="json")
    return Oracle(
        asked.kind,
        _method(code_of(asked.calculator), asked.task, settings),
        asked.properties,
        "computes",
        "matsift_adapters.oracles.ase_engine:label",
        "matsift_adapters.oracles.ase_engine:initialize_worker",
        settings,
    )


def _gpaw(asked: GpawOracle) -> Oracle:
    from matsift_adapters.oracles.gpaw import check  # noqa: PLC0415  it loads ASE

    settings = asked.model_dump(mode="json")
    return Oracle(
        asked.kind,
        _method(f"gpaw-{asked.version}-{asked.xc.lower()}", asked.task, settings),
        asked.properties,
        "computes",
        "matsift_adapters.oracles.gpaw:label",
        None,
        settings,
        partial(check, asked.python, asked.version),
    )


def _method(code: str, task: str, settings: Mapping[str, Any]) -> str:
    """Return code, task and the hash of the parameters behind the number: those of this task alone."""
    others = {name for other, names in _OF_TASK.items() if other != task for name in names} - _OF_TASK.get(task, set())
    counted = {name: value for name, value in settings.items() if name not in others | _OF_NO_NUMBER} | {
        "scheme": _SCHEME
    }
    digest = hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()
    return f"{code}-{task.replace('_', '-')}-{digest[:8]}"
