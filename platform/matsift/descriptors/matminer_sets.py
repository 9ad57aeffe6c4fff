"""Any featurizer of matminer as a descriptor set: ``matminer:DensityFeatures``, ``matminer:ElementProperty:deml``.

matminer computes it, one structure after the other. A featurizer of sites is taken over the sites of the structure
(mean and standard deviation, by `SiteStatsFingerprint`).
"""

from __future__ import annotations

import difflib
import inspect
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matsift.crystal import Crystal
from matsift.descriptors.sets import DescriptorChunk, DescriptorSet
from matsift.errors import DescriptorError, UserInputError

PREFIX = "matminer:"

#: A pgvector has at most this many dimensions.
_MOST_COLUMNS = 16_000
_OVER_SITES = ("mean", "std_dev")


@dataclass(frozen=True)
class _Featurizer:
    """A featurizer ready for use: `reads` is what it takes, a composition or a structure."""

    instance: Any
    reads: str
    columns: tuple[str, ...]


def featurizer_set(name: str) -> DescriptorSet:
    """Return the descriptor set of a name ``matminer:FEATURIZER`` or ``matminer:FEATURIZER:PRESET``.

    Raises
    ------
    UserInputError
        If matminer has no such featurizer or preset, or it must be fitted first.
    """
    featurizer, preset = _featurizer(name), _parts(name)[1]
    return DescriptorSet(
        name=name,
        version=version("matminer") + (f"+{preset}" if preset else ""),
        columns=featurizer.columns,
        description=f"{type(featurizer.instance).__name__} of matminer, computed by matminer from the "
        f"{featurizer.reads}; units as documented there",
    )


def compute(name: str, crystals: Sequence[Crystal]) -> DescriptorChunk:
    """Return what a featurizer of matminer gives for crystals; what it raises is the structure's failure.

    Outputs that are no numbers are unknown. Coordinates are wrapped into the cell first, which matminer's Voronoi
    featurizers need, and oxidation states are guessed by pymatgen where the featurizer asks for them.
    """
    featurizer = _featurizer(name)
    values = np.full((len(crystals), len(featurizer.columns)), np.nan)
    failures, seconds = {}, np.zeros(len(crystals))
    for i, crystal in enumerate(crystals):
        started = time.perf_counter()
        try:
            with _quiet():
                values[i] = _row(featurizer, crystal)
        except Exception as error:  # noqa: BLE001  matminer and what it calls raise whatever they like
            failures[i] = type(error).__name__, str(error).strip() or type(error).__name__
        seconds[i] = time.perf_counter() - started
    return DescriptorChunk(values, failures, seconds)


def _row(featurizer: _Featurizer, crystal: Crystal) -> NDArray[np.float64]:
    structure = crystal.to_pymatgen()
    for site in structure:
        site.to_unit_cell(in_place=True)
    subject = structure if featurizer.reads == "structure" else structure.composition
    try:
        found = featurizer.instance.featurize(subject)
    except (AttributeError, ValueError) as error:
        if "oxi" not in str(error).lower():
            raise
        found = featurizer.instance.featurize(_with_oxidation_states(subject))
    if len(found) != len(featurizer.columns):
        raise DescriptorError(f"matminer gave {len(found)} values for {len(featurizer.columns)} columns")
    return np.array([float(value) if isinstance(value, Real) else np.nan for value in found])


def _with_oxidation_states(subject: Any) -> Any:
    if hasattr(subject, "add_charges_from_oxi_state_guesses"):
        return subject.add_charges_from_oxi_state_guesses()
    return subject.copy().add_oxidation_state_by_guess()


@cache
def _featurizer(name: str) -> _Featurizer:
    title, preset = _parts(name)
    kinds = _classes()
    if title not in kinds:
        near = difflib.get_close_matches(title, kinds, n=3, cutoff=0.5) or sorted(kinds)
        raise UserInputError(
            f"matminer has no featurizer {title!r} (descriptor set {name!r}); use one of {', '.join(near)}"
        )
    kind, reads = kinds[title]
    instance = _instance(name, kind, preset)
    if reads == "site":
        instance, reads = kinds["SiteStatsFingerprint"][0](instance, stats=_OVER_SITES), "structure"
    return _Featurizer(instance, reads, _columns(name, instance))


def _instance(name: str, kind: Any, preset: str) -> Any:
    """Return a featurizer with a preset or matminer's defaults."""
    has_presets = hasattr(kind, "from_preset")
    if preset and not has_presets:
        raise UserInputError(f"matminer's {kind.__name__} has no presets; write {PREFIX}{kind.__name__}")
    try:
        with _quiet():
            return kind.from_preset(preset) if preset else kind()
    except Exception as error:  # noqa: BLE001  matminer raises whatever it likes
        required = [
            p.name
            for p in inspect.signature(kind).parameters.values()
            if p.default is p.empty and p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}
        ]
        if preset:
            problem = f"has no preset {preset!r} ({_plain(error)}); its presets stand in matminer's documentation"
        elif required and has_presets:
            problem = f"needs a preset; write {PREFIX}{kind.__name__}:PRESET with one of matminer's documentation"
        elif required:
            problem = f"needs {' and '.join(required)}, which a study cannot give; use another featurizer"
        else:
            problem = f"cannot be used here ({_plain(error)}); use another featurizer"
        raise UserInputError(f"matminer's {kind.__name__} {problem} (descriptor set {name!r})") from None


def _columns(name: str, instance: Any) -> tuple[str, ...]:
    try:
        labels = [str(label) for label in instance.feature_labels()]
    except Exception:  # noqa: BLE001  each featurizer says in its own way that fit() comes first
        raise UserInputError(
            f"matminer's {name.removeprefix(PREFIX)} must be fitted to a set of structures before it has columns, "
            "which a descriptor set is not; use a featurizer without fit()"
        ) from None
    if not 0 < len(labels) <= _MOST_COLUMNS:
        raise UserInputError(f"{name} has {len(labels)} columns; a descriptor set has 1 to {_MOST_COLUMNS:,}")
    seen: dict[str, int] = {}
    for i, label in enumerate(labels):
        seen[label] = seen.get(label, 0) + 1
        if seen[label] > 1:
            labels[i] = f"{label} ({seen[label]})"
    return tuple(labels)


@cache
def _classes() -> dict[str, tuple[Any, str]]:
    """Return featurizer name -> (class, what it reads); of two of one name the first kind of input counts."""
    from matminer.featurizers import composition, site, structure  # noqa: PLC0415  seconds to import
    from matminer.featurizers.base import BaseFeaturizer  # noqa: PLC0415

    found: dict[str, tuple[Any, str]] = {}
    for module, reads in ((composition, "composition"), (structure, "structure"), (site, "site")):
        for title, kind in sorted(vars(module).items()):
            if inspect.isclass(kind) and issubclass(kind, BaseFeaturizer) and kind is not BaseFeaturizer:
                found.setdefault(title, (kind, reads))
    return found


def _parts(name: str) -> tuple[str, str]:
    """Return featurizer and preset, which is empty where none is named."""
    title, _, preset = name.removeprefix(PREFIX).partition(":")
    return title.strip(), preset.strip()


def _plain(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".!") or type(error).__name__


@contextmanager
def _quiet() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
