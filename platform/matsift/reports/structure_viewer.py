"""Crystals that a reader turns in a page: 3Dmol, our own script around it, and the crystals as small JSON.

A page that shows crystals gives `viewer_scripts()` to `page.render_template`, calls the macro `structure_stage` of
``structures.html.j2`` where the large picture stands, and puts ``data-show="<key>"`` on any button that brings a
crystal there and ``data-flat="<key>"`` on any box for a small still picture of it. One WebGL context serves the whole
page, crystals are drawn only when they come into view, and without WebGL (or on paper) the still picture stands there.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import numpy as np
from ase.data import atomic_numbers, covalent_radii
from ase.data.colors import jmol_colors
from markupsafe import Markup
from pymatgen.core import Element

from matsift.crystal import Crystal
from matsift.density.conventional import conventional_cell
from matsift.errors import BadStructureError
from matsift.reports.markup import asset, json_markup

#: Fractional coordinates are written as whole parts of this.
_PARTS = 10_000
_MOST_SITES = 200  # a conventional cell with more is drawn in the cell that was given


@dataclass(frozen=True, eq=False)
class ViewedStructure:
    """A crystal to be shown: `key` is its content hash, `title` its formula, `words` a line about it."""

    key: str
    title: str
    crystal: Crystal
    words: str = ""


@dataclass(frozen=True)
class VendoredScript:
    """A script of others: its text, and where it comes from."""

    name: str
    version: str
    licence: str
    text: Markup


def viewer_data(structures: Sequence[ViewedStructure]) -> Markup:
    """Return the crystals as JSON for a script tag: cells in angstrom, places in 1/10000, colours and radii.

    Crystals are carried into their conventional cells where spglib finds one of at most 200 sites. A shared site is
    shown as the species that is there most. Two structures of one key are one. Twenty atoms take 700
    characters.
    """
    cells = [_cell(one) for one in {one.key: one for one in structures}.values()]
    symbols = sorted({symbol for cell in cells for symbol in cell["species"]})
    return json_markup({"cells": cells, "elements": {symbol: _element(symbol) for symbol in symbols}})


def viewer_scripts() -> tuple[Markup, ...]:
    """Return the scripts of a page with crystals, in the order in which they run: 3Dmol and our own."""
    return vendored_viewer().text, asset("structures.js")


@cache
def vendored_viewer() -> VendoredScript:
    """Return 3Dmol as it lies in this room, under the words of its licence.

    Raises
    ------
    ValueError
        If the file is not the one whose hash is noted: ``make vendor`` fetches it again.
    """
    folder = files("matsift.reports").joinpath("vendor")
    noted = json.loads(folder.joinpath("3Dmol.json").read_text(encoding="utf-8"))
    texts = {}
    for wanted in noted["files"].values():
        content = folder.joinpath(wanted["as"]).read_bytes()
        if hashlib.sha256(content).hexdigest() != wanted["sha256"]:
            raise ValueError(f"{wanted['as']} is not the file of {noted['name']} {noted['version']}; run `make vendor`")
        texts[wanted["as"]] = content.decode("utf-8")
    licence = texts["3Dmol-LICENSE.txt"].replace("*/", "* /")
    text = f"/* {noted['name']} {noted['version']}\n{licence}*/\n{texts['3Dmol-min.js']}"
    return VendoredScript(noted["name"], noted["version"], noted["licence"], Markup(text))  # noqa: S704  hash checked


def _cell(one: ViewedStructure) -> dict[str, Any]:
    crystal = _drawn_cell(one.crystal)
    places = np.rint(crystal.frac_coords % 1.0 * _PARTS).astype(int) % _PARTS
    chosen = _most_present(crystal)
    return {
        "key": one.key,
        "title": one.title,
        "words": one.words,
        "lattice": [round(value, 3) for value in crystal.lattice.ravel().tolist()],
        "species": [crystal.species[n] for n in chosen],
        "places": places[chosen].ravel().tolist(),
    }


@lru_cache(maxsize=1024)  # a page is written twice: for its hash, and for its reader
def _drawn_cell(crystal: Crystal) -> Crystal:
    try:
        conventional = conventional_cell(crystal)
    except BadStructureError:
        return crystal
    return conventional if conventional.n_site <= _MOST_SITES else crystal


def _most_present(crystal: Crystal) -> list[int]:
    order = np.lexsort((-crystal.occupancies, crystal.site_index))
    _, first = np.unique(crystal.site_index[order], return_index=True)
    return [int(n) for n in order[first]]


@cache
def _element(symbol: str) -> dict[str, object]:
    """Return what the script draws an element by: Jmol's colour, Cordero's covalent radius, Pauling's scale."""
    number = atomic_numbers[symbol]
    red, green, blue = (round(255 * float(part)) for part in jmol_colors[number])
    with warnings.catch_warnings(action="ignore"):  # an element without a value is said to be a wrong one
        pull = Element(symbol).X
    return {
        "colour": f"#{red:02x}{green:02x}{blue:02x}",
        "radius": round(float(covalent_radii[number]), 2),
        "pull": round(float(pull), 2) if np.isfinite(pull) else 0.0,
    }
