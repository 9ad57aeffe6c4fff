"""Patterns in XRDML, the XML of Malvern Panalytical's diffractometers; every scan of 2theta is one."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matsift.errors import SourceError
from matsift_adapters.patterns.stated import number


@dataclass(frozen=True, eq=False)
class Scan:
    """One scan: angles (degrees), intensities, wavelength (angstrom) or None, and the sample's name."""

    two_theta_deg: NDArray[np.float64]
    intensity: NDArray[np.float64]
    wavelength: float | None
    sample: str


def read_xrdml(text: str, path: str) -> list[Scan]:
    """Return the scans of 2theta in an XRDML file.

    Raises
    ------
    SourceError
        If it breaks off, or holds no scan of 2theta.
    """
    try:
        root = ET.fromstring(text)  # noqa: S314  expat refuses entity bombs and loads no external entity
    except ET.ParseError as error:
        raise SourceError(path, f"its XML breaks off or is damaged ({error})", "copy or export it again") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    sample = " ".join(filter(None, (_text(root, "sample/id"), _text(root, "sample/name"))))
    scans = []
    for measurement in root.iter("xrdMeasurement"):
        wavelength = _wavelength(measurement)
        for scan in measurement.iter("scan"):
            columns = _columns(scan, path)
            if columns is not None:
                scans.append(Scan(*columns, wavelength, sample))
    if not scans:
        raise SourceError(path, "it holds no scan of 2theta", "give a powder scan (Gonio or 2Theta)")
    return scans


def _wavelength(measurement: ET.Element) -> float | None:
    intended = measurement.find("usedWavelength")
    value = _text(measurement, "usedWavelength/kAlpha1")
    if intended is not None and intended.get("intended") == "K-Beta":
        value = _text(measurement, "usedWavelength/kBeta")
    return number(value)


def _columns(scan: ET.Element, path: str) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    points = scan.find("dataPoints")
    if points is None:
        return None
    counted = next((found for name in ("intensities", "counts") if (found := points.find(name)) is not None), None)
    axis = next((position for position in points.iter("positions") if position.get("axis") == "2Theta"), None)
    if counted is None or axis is None:
        return None
    intensity = _numbers(counted.text, path)
    attenuation = points.find("beamAttenuationFactors")
    if attenuation is not None and counted.tag == "counts":
        factors = _numbers(attenuation.text, path)
        intensity = intensity * (factors if len(factors) == len(intensity) else factors[:1])
    angles = _angles(axis, len(intensity), path)
    return (angles, intensity) if angles is not None else None


def _angles(axis: ET.Element, n_point: int, path: str) -> NDArray[np.float64] | None:
    listed, first, last = axis.find("listPositions"), axis.find("startPosition"), axis.find("endPosition")
    if listed is not None:
        return _numbers(listed.text, path)[:n_point]
    if first is None or last is None:
        return None
    begin, end = number(first.text or ""), number(last.text or "")
    return None if begin is None or end is None else np.linspace(begin, end, n_point)


def _numbers(text: str | None, path: str) -> NDArray[np.float64]:
    try:
        return np.array((text or "").split(), dtype=np.float64)
    except ValueError:
        raise SourceError(path, "its list of counts holds something that is no number", "export it again") from None


def _text(element: ET.Element, place: str) -> str:
    found = element.find(place)
    return (found.text or "").strip() if found is not None else ""
