"""A study that ends within seconds, on real entries of the bundled data set."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matsift_adapters.sources.bundled import bundled_path

NAME = "small"
METHOD = "chgnet-0.3.0-finite-strain"

_STUDY = """
[study]
name = "small"
title = "A small study"
seed = 3

[[sources]]
kind = "bundled"
path = "entries.jsonl.gz"

[duplicates]

[labels]
properties = ["k_vrh", "g_vrh"]
methods = ["chgnet-0.3.0-finite-strain"]
[[labels.rules]]
kind = "negative_modulus"
[[labels.rules]]
kind = "not_born_stable"
[[labels.rules]]
kind = "has_hold"
holds = ["duplicate"]

[descriptors]
sets = ["mp", "magpie", "voronoi"]

[sampling]
strategy = "model_3"
compare = ["model_2"]
thresholds = { k_vrh = 150.0, g_vrh = 80.0 }

[learner]
settings = { members = 3, n_estimators = 15, num_leaves = 7, min_data_in_leaf = 3 }
coverage = 0.8
baselines = ["ridge"]
[learner.ablation]
"C" = ["magpie"]

[candidates]
elements = ["Na"]
exclude_holds = ["duplicate", "reference"]

[[screening]]
name = "has_structural_descriptor"
kind = "has_descriptor"
descriptor_set = "voronoi"
[[screening]]
name = "band_gap"
kind = "minimum"
property = "band_gap"
value = 0.1
[[screening]]
name = "cell_size"
kind = "n_site_below"
value = 3
[[screening]]
name = "converged"
kind = "converged"

[campaign]
strategies = ["exploration", "random"]
batch = 2
rounds = 1
low_spread = { k_vrh = 10.0 }

[ranking]
property = "g_vrh"
"""


def bundled_records() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the header and the lines of the data set that the package ships, small cells first."""
    with gzip.open(bundled_path("chgnet_prototypes"), "rt", encoding="utf-8") as stream:
        header, *records = map(json.loads, stream)
    return header, sorted(records, key=lambda r: (len(r["species"]), r["external_id"]))


def small_records(n_labelled: int = 62, n_pool: int = 12) -> list[dict[str, Any]]:
    """Return labelled entries, sodium compounds without a label, and one entry or two of every other role."""
    _, records = bundled_records()

    def chosen(role: str, n: int) -> list[dict[str, Any]]:
        return [r for r in records if r["role"] == role and (role != "pool" or "Na" in r["species"])][:n]

    wanted = {"labelled": n_labelled, "pool": n_pool, "rejected": 2, "reference": 2, "duplicate": 1, "failed": 2}
    return [record for role, n in wanted.items() for record in chosen(role, n)]


def unstable_pool(n: int) -> list[dict[str, Any]]:
    """Return sodium compounds that are mechanically unstable, as if nobody had labelled them yet."""
    _, records = bundled_records()
    unstable = [r for r in records if r["role"] == "rejected" and r["born_stable"] is False and "Na" in r["species"]]
    return [{**r, "role": "pool", "labels": {}, "born_stable": None, "tensor_gpa": None} for r in unstable[:n]]


def overlapping(record: dict[str, Any]) -> dict[str, Any]:
    """Return an entry like another with its first atom doubled 0.001 angstrom away, which no Voronoi cell can part."""
    first, *others = record["frac_coords"]
    edge_angstrom = sum(x * x for x in record["lattice"][:3]) ** 0.5
    twin = [first[0] + 0.001 / edge_angstrom, *first[1:]]
    return {
        **record,
        "external_id": "overlapping",
        "species": [record["species"][0], *record["species"]],
        "frac_coords": [first, twin, *others],
    }


def write_small_study(folder: Path, records: Sequence[dict[str, Any]] | None = None) -> Path:
    """Return the path of the study file, written with its entries into a new folder."""
    folder.mkdir(parents=True, exist_ok=True)
    header, _ = bundled_records()
    lines = [header, *(small_records() if records is None else records)]
    with gzip.open(folder / "entries.jsonl.gz", "wt", encoding="utf-8") as stream:
        stream.writelines(json.dumps(line) + "\n" for line in lines)
    path = folder / f"{NAME}.toml"
    path.write_text(_STUDY, encoding="utf-8")
    return path
