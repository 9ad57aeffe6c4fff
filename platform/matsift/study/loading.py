"""Reading of a study file with overrides, each fault told in one sentence that names the key."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from matsift.errors import StudyError
from matsift.sentences import brief, shown
from matsift.study.key_hints import key_hint
from matsift.study.settings import Mirror, Study
from matsift.suggestions import closest, meant

_File = TypeVar("_File", bound=Mirror)

_TOLD = 2000  # characters of problems at once
_LONG_WORD = re.compile(r"\S{81,}")

#: No study file is larger; a larger one is another file.
LARGEST_STUDY_BYTES = 16 * 1024 * 1024


def load_study(path: Path, overrides: Sequence[str] = ()) -> Study:
    """Return the validated study of a TOML file.

    Parameters
    ----------
    path
        The study file.
    overrides
        ``table.key=value`` each, the value in TOML; a bare word counts as a string.

    Raises
    ------
    StudyError
        If the file is missing, is not TOML, or a key or value is wrong.
    """
    return parse_study(_document(path, overrides), str(path))


def load_mirror(path: Path, overrides: Sequence[str] = ()) -> Mirror:
    """Return the validated sources of a TOML file: a whole study, or ``[study]`` and ``[[sources]]`` alone.

    Raises
    ------
    StudyError
        If the file is missing, is not TOML, or a key or value is wrong.
    """
    document = _document(path, overrides)
    if document.keys() <= Mirror.model_fields.keys():
        return _validated(Mirror, document, str(path))
    return parse_study(document, str(path))


def parse_study(document: dict[str, Any], name: str) -> Study:
    """Return the validated study of a parsed document.

    Raises
    ------
    StudyError
        If a key or value is wrong; the sentence names all of them.
    """
    return _validated(Study, document, name)


def _document(path: Path, overrides: Sequence[str]) -> dict[str, Any]:
    name = str(path)
    try:
        document = tomllib.loads(_content(path).decode("utf-8"))
        if _is_oversized(document):
            raise StudyError(name, "a whole number of it has more than 64 bits, which TOML does not know", "mend it")
    except FileNotFoundError:
        raise StudyError(
            name,
            f"there is no such file{_file_hint(path)}",
            "give the path of a study file, e.g. studies/na_electrolytes.toml",
        ) from None
    except OSError as error:
        raise StudyError(name, f"it cannot be read ({error.strerror})", "give a readable TOML file") from None
    except UnicodeDecodeError:
        raise StudyError(name, "it is not UTF-8 text", "save it as TOML in UTF-8") from None
    except ValueError as error:  # of TOML, or of a whole number with thousands of digits
        raise StudyError(name, f"it is not valid TOML ({_one_line(error)})", "mend that line") from None
    except RecursionError:
        raise StudyError(name, "it is nested too deeply", "write a study as docs/studies.md has it") from None
    for override in overrides:
        _apply(document, override)
    return document


def _content(path: Path) -> bytes:
    with path.open("rb") as stream:
        content = stream.read(LARGEST_STUDY_BYTES + 1)
    if len(content) > LARGEST_STUDY_BYTES:
        raise StudyError(str(path), f"it is larger than {LARGEST_STUDY_BYTES >> 20} MiB", "give a study file")
    return content


def _is_oversized(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(map(_is_oversized, value.values() if isinstance(value, dict) else value))
    return isinstance(value, int) and not -(2**63) <= value < 2**63


def _file_hint(path: Path) -> str:
    """Return the study file that was probably meant: beside the path, or where studies lie."""
    places = (path.parent, Path("studies"), Path("studies/sources"))
    by_name = {file.stem: file for place in reversed(places) for file in sorted(place.glob("*.toml"))}
    found = closest(path.stem, by_name)
    return "" if found is None else f" (did you mean {str(by_name[found])!r}?)"


def _validated(kind: type[_File], document: dict[str, Any], name: str) -> _File:
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        faults = error.errors(include_url=False)
        problems = [_sentence(kind, fault) for fault in faults if not _is_echo(fault, faults)]
        raise StudyError(name, _listed(problems), "see docs/studies.md for the keys") from None


def _listed(problems: Sequence[str]) -> str:
    """Return the first problems, as many as a person reads at once, and how many there are beside them."""
    ends = list(accumulate(len(problem) for problem in problems))
    n_told = max(1, bisect_right(ends, _TOLD))
    more = len(problems) - n_told
    return "; ".join([*problems[:n_told], *([f"and {more} more"] if more else [])])


def _apply(document: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    parts = [part.strip() for part in key.split(".")]
    if not equals or not all(parts):
        raise StudyError(
            "--set", f"{override!r} is not of the form key=value", "write for example --set campaign.rounds=1"
        )
    table: Any = document
    for part in parts[:-1]:
        table = _step(table, part, override)
    last = parts[-1]
    if isinstance(table, list):
        table[_index(table, last, override)] = _value(text)
    else:
        table[last] = _value(text)


def _step(table: Any, part: str, override: str) -> Any:
    if isinstance(table, list):
        return table[_index(table, part, override)]
    child = table.setdefault(part, {})
    if not isinstance(child, dict | list):
        raise StudyError(
            "--set", f"{override!r} goes through {part!r}, which is a single value", "name a key inside a table"
        )
    return child


def _index(table: list[Any], part: str, override: str) -> int:
    if not part.isdigit() or int(part) >= len(table):
        raise StudyError("--set", f"{override!r} needs a number from 0 to {len(table) - 1} at {part!r}", "count from 0")
    return int(part)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _is_echo(fault: Any, faults: Sequence[Any]) -> bool:
    """Return whether a list counts as too short only because pydantic left out its faulty items."""
    where = fault["loc"]
    within = (other for other in faults if len(other["loc"]) > len(where) and other["loc"][: len(where)] == where)
    return fault["type"] == "too_short" and any(within)


def _sentence(kind: type[Mirror], fault: Any) -> str:
    where = ".".join(brief(str(part)) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"unknown key {where!r}{key_hint(kind, fault['loc'])}"
    if fault["type"] == "union_tag_invalid":
        tag, known = fault["ctx"]["tag"], fault["ctx"]["expected_tags"].replace("'", "")
        return f"{where}: there is no kind {shown(tag)}{meant(tag, known.split(', '))}; use one of {known}"
    if fault["type"] == "missing":
        return f"the key {where!r} is missing"
    message = str(fault["msg"])
    if fault["type"] != "value_error":
        message = f"{shown(fault['input'])} is refused: {message[:1].lower()}{message[1:]}"
    message = _LONG_WORD.sub(lambda word: brief(word[0]), message.removeprefix("Value error, "))
    return f"{where}: {message}" if where else message


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
