"""Whether the ledger of a finished study tells a story that can have happened, read without the project's own code."""

from __future__ import annotations

from collections import defaultdict

from tests.flows.running import rows

_NEXT = {
    None: {"proposed"},
    "proposed": {"claimed", "labelled", "failed"},
    "claimed": {"claimed", "labelled", "failed", "released"},
    "released": {"claimed", "labelled", "failed"},
    "failed": {"released"},
    "labelled": set(),
}
_EVENTS = """
    SELECT e.acquisition_id, a.structure_id, a.oracle_method, e.status, a.status FROM matsift.acquisition_event e
    JOIN matsift.acquisition a ON a.id = e.acquisition_id ORDER BY e.id
"""
_ASKED_FOR = """
    SELECT r.campaign_id, r.id FROM matsift.campaign_round r
    JOIN LATERAL (SELECT * FROM matsift.campaign_plan p WHERE p.campaign_id = r.campaign_id
                  ORDER BY p.id DESC LIMIT 1) AS p ON r.number < p.n_round
    JOIN matsift.campaign c ON c.id = r.campaign_id
    WHERE c.batch_size <> (SELECT count(*) FROM matsift.acquisition a WHERE a.campaign_round_id = r.id)
"""
_TWICE = """
    SELECT structure_id, property_id, method FROM matsift.label WHERE origin LIKE 'oracle:%'
    GROUP BY 1, 2, 3 HAVING count(*) > 1
"""
_WITHOUT_ANSWER = """
    SELECT a.id, a.status FROM matsift.acquisition a
    LEFT JOIN matsift.label l ON l.id = a.label_id AND (l.structure_id, l.method) = (a.structure_id, a.oracle_method)
    LEFT JOIN matsift.failure f ON f.id = a.failure_id
    WHERE CASE a.status WHEN 'labelled' THEN l.id IS NULL WHEN 'failed' THEN f.id IS NULL ELSE TRUE END
"""
_LABELS_WITHOUT_RESULT = """
    SELECT l.id FROM matsift.label l WHERE l.origin LIKE 'oracle:%' AND NOT EXISTS (
        SELECT FROM matsift.oracle_result o WHERE (o.structure_id, o.method) = (l.structure_id, l.method))
"""


def check_story(url: str) -> None:
    """Assert that no acquisition is lost or open, none is labelled twice, and that the events lead to what is there."""
    assert rows(url, _ASKED_FOR) == []
    assert rows(url, _TWICE) == []
    assert rows(url, _WITHOUT_ANSWER) == []
    assert rows(url, _LABELS_WITHOUT_RESULT) == []
    status: dict[int, str | None] = defaultdict(lambda: None)
    at_work: dict[tuple[int, str], set[int]] = defaultdict(set)
    for acquisition, structure, method, now, _ in rows(url, _EVENTS):
        assert now in _NEXT[status[acquisition]], f"{status[acquisition]} -> {now}"
        status[acquisition] = now
        holders = at_work[structure, method]
        holders.add(acquisition) if now == "claimed" else holders.discard(acquisition)
        assert len(holders) <= 1, "the same structure is with the same oracle twice"
    ends = dict(rows(url, "SELECT id, status FROM matsift.acquisition"))
    assert dict(status) == ends
