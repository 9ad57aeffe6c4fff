"""Migration 0021 brings the properties of bond valence; what names one of them keeps it from being taken back."""

from __future__ import annotations

import psycopg
import pytest

from matsift.errors import DatabaseError
from matsift_schema import engine

NAMES = "SELECT count(*) FROM matsift.property WHERE name = 'screening_factor'"
LABEL = """
    INSERT INTO matsift.run (flow, code_version, environment_hash) VALUES ('study', '0.1.0', 'e');
    INSERT INTO matsift.structure (content_hash, lattice, species, frac_coords, occupancies, site_index, n_site,
        n_element, formula, reduced_formula, anonymous_formula, chemical_system, elements, volume_angstrom3,
        density_g_per_cm3, is_ordered, run_id)
    VALUES (repeat('a', 64), '{1,0,0,0,1,0,0,0,1}', '{O}', '{0,0,0}', '{1}', '{0}', 1, 1, 'O', 'O', 'A', 'O', '{O}', 1,
            1, true, 1);
    INSERT INTO matsift.label (structure_id, property_id, method, origin, value, run_id)
    SELECT 1, id, 'bond-valence', 'oracle:bond-valence', 0.65, 1 FROM matsift.property WHERE name = 'screening_factor';
"""


def count(url: str) -> int:
    with psycopg.connect(url) as connection:
        return int(connection.execute(NAMES).fetchall()[0][0])


def test_properties_come_go_and_come_again(empty_database_url: str) -> None:
    seen = []
    for step, revision in ((engine.upgrade, "0021"), (engine.downgrade, "0020"), (engine.upgrade, "0021")):
        step(empty_database_url, revision)
        seen.append(count(empty_database_url))
    assert seen == [1, 0, 1]


def test_a_label_keeps_them(empty_database_url: str) -> None:
    engine.upgrade(empty_database_url, "0021")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(LABEL.encode())
    with pytest.raises(DatabaseError, match=r"rows of the database .* from table \"label\""):
        engine.downgrade(empty_database_url, "0020")
    assert count(empty_database_url) == 1
