"""Migration 0019 gives campaigns their plans, and of two claims of a structure for one oracle leaves one."""

from __future__ import annotations

import psycopg

from matsift_schema import engine

H = "repeat('{}', 64)"
ROWS = f"""
    INSERT INTO matsift.run (flow, code_version, environment_hash) VALUES ('study', '0.1.0', 'e');
    INSERT INTO matsift.structure (content_hash, lattice, species, frac_coords, occupancies, site_index, n_site,
        n_element, formula, reduced_formula, anonymous_formula, chemical_system, elements, volume_angstrom3,
        density_g_per_cm3, is_ordered, run_id)
    SELECT repeat(digit, 64), '{{1,0,0,0,1,0,0,0,1}}', '{{Na}}', '{{0,0,0}}', '{{1}}', '{{0}}', 1, 1, 'Na', 'Na', 'A',
           'Na', '{{Na}}', 1, 1, true, 1 FROM unnest('{{a,b}}'::text[]) AS given (digit);
    INSERT INTO matsift.dataset_snapshot (content_hash, property_id, strategy, seed, n_row, run_id)
    VALUES ({H.format("c")}, 1, 'model_3', 1, 1, 1);
    INSERT INTO matsift.model_version (content_hash, learner, purpose, seed, snapshot_id, property_id, column_names,
        artifact_sha256, artifact_uri, code_version, run_id)
    VALUES ({H.format("d")}, 'ridge', 'ensemble', 1, 1, 1, '{{x}}', {H.format("e")}, 'file:///e', '0.1.0', 1);
    INSERT INTO matsift.campaign (content_hash, name, study, property_id, strategy, batch_size, n_round, seed, oracle,
        run_id)
    SELECT repeat(digit, 64), strategy, 'salts', 1, strategy, 2, 7, 1, 'chgnet', 1
    FROM (VALUES ('1', 'exploration'), ('2', 'random')) AS given (digit, strategy);
    INSERT INTO matsift.campaign_round (campaign_id, number, model_version_id, n_candidate, mean_spread, run_id)
    SELECT id, 0, 1, 2, 1, 1 FROM matsift.campaign;
    INSERT INTO matsift.candidate_score (campaign_round_id, structure_id, mean, spread, score, rank)
    SELECT r.id, s.id, 1, 1, 1, s.id FROM matsift.campaign_round r CROSS JOIN matsift.structure s;
    INSERT INTO matsift.acquisition (campaign_id, campaign_round_id, structure_id, rank, score, status, claimed_by,
        lease_expires_at, run_id)
    SELECT r.campaign_id, r.id, s.id, s.id, 1, 'claimed', 'matsift run salts', '2999-01-01', 1
    FROM matsift.campaign_round r CROSS JOIN matsift.structure s WHERE r.campaign_id = 1 OR s.id = 1;
"""
STATUSES = "SELECT campaign_id, structure_id, status, oracle_method FROM matsift.acquisition ORDER BY 1, 2"


def test_plans_are_written_and_double_claims_are_shared(empty_database_url: str) -> None:
    method = "chgnet-0.3.0-finite-strain"
    engine.upgrade(empty_database_url, "0018")
    with psycopg.connect(empty_database_url) as connection:
        connection.execute(ROWS.encode())
    engine.upgrade(empty_database_url, "0019")
    with psycopg.connect(empty_database_url) as connection:
        plans = connection.execute("SELECT campaign_id, n_round, stop FROM matsift.campaign_plan ORDER BY 1").fetchall()
        kinds = connection.execute("SELECT strategy_kind, oracle_method FROM matsift.campaign ORDER BY 1").fetchall()
        assert connection.execute(STATUSES).fetchall() == [
            (1, 1, "claimed", method),
            (1, 2, "claimed", method),
            (2, 1, "released", method),
        ]
        story = connection.execute(
            "SELECT status, reason FROM matsift.acquisition_event WHERE reason IS NOT NULL"
        ).fetchall()
    assert plans == [(1, 7, {}), (2, 7, {})]
    assert kinds == [("exploration", method), ("random", method)]
    assert story == [("released", "another campaign has the same structure with the same oracle")]

    engine.downgrade(empty_database_url, "0018")
    with psycopg.connect(empty_database_url) as connection:
        rounds = connection.execute("SELECT n_round FROM matsift.campaign").fetchall()
        n_claimed = connection.execute("SELECT count(*) FROM matsift.acquisition WHERE status = 'claimed'").fetchone()
    assert (rounds, n_claimed) == ([(7,), (7,)], (2,))
