"""The wavelength and the sample that a file of a pattern states, whatever the format."""

from __future__ import annotations

import math
import re

_NUMBER = r"\s*[=:,\t \"']*\s*([0-9]+[.,][0-9]+)"

#: How formats write the wavelength; the first that is found counts, K-alpha1 before a mean.
_WAVELENGTHS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"<kAlpha1\b[^>]*>\s*([0-9.]+)",  # xrdml
        r"<WavelengthKalpha1>\s*([0-9.]+)",  # rasx
        r"<WaveLengthAlpha1\b[^>]*\bValue=\"([0-9.]+)\"",  # brml
        r"MEAS_COND_XG_WAVE_LENGTH_ALPHA1" + _NUMBER,  # ras
        r"\bHW_XG_WAVE_LENGTH_ALPHA1" + _NUMBER,
        r"\bWAVE_?LENGTH_?1\b" + _NUMBER,  # Rigaku text
        r"\b_?WL1\b" + _NUMBER,  # UXD
        r"\bLab[m]?daAlpha1" + _NUMBER,  # UDF
        r"\bK[-_ ]?alpha[-_ ]?1(?:[-_ ]wavelength)?" + _NUMBER,
        r"\bwave[-_ ]?length(?:[-_ ]*\(?(?:angstrom|A|Å)\)?)?" + _NUMBER,  # RRUFF and many headers
        r"\blambda\b" + _NUMBER,
    )
)
_ANODE = re.compile(
    r"(?:anode(?:[-_ ]?material)?|target(?:[-_ ]?name)?)[\s=:,>\"'\t]*\b(Cu|Co|Mo|Fe|Cr|Ag|Ni|W)\b", re.IGNORECASE
)
_SAMPLE = re.compile(
    r"(?:<SampleName>|\*FILE_SAMPLE\s+\"|_SAMPLE\s*=\s*'?|\bsample[-_ ]?(?:name|id)?\s*[:=,]\s*|##NAMES=)"
    r"\s*([^<\"'\r\n]{1,80})",
    re.IGNORECASE,
)
_SHORTEST, _LONGEST = 0.1, 3.0

#: Characters of a file that are searched.
_SEARCHED = 200_000


def number(text: str) -> float | None:
    """Return the finite number that a text is, None where it is none (``1.54.06``)."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def stated_wavelength(text: str) -> float | str | None:
    """Return the wavelength (angstrom) in a header, else the name of the tube's radiation ("CuKa"), else None."""
    head = text[:_SEARCHED]
    for pattern in _WAVELENGTHS:
        for found in pattern.finditer(head):
            value = number(found.group(1).replace(",", ".").rstrip("."))
            if value is not None and _SHORTEST < value < _LONGEST:
                return value
    anode = _ANODE.search(head)
    return f"{anode.group(1).capitalize()}Ka" if anode else None


def stated_sample(text: str) -> str:
    """Return the name of the sample in a header, "" if there is none."""
    found = _SAMPLE.search(text[:_SEARCHED])
    return found.group(1).strip() if found else ""
