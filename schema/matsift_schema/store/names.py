"""Names in a database for a shell that completes them, asked with a limit on the time."""

from __future__ import annotations

import psycopg

_NAMES = {
    "studies": """
        SELECT study FROM matsift.run WHERE study <> 'all-studies'
        UNION SELECT study FROM matsift.study_report WHERE study <> 'all-studies' ORDER BY 1
    """,
    "sources": "SELECT name FROM matsift.source ORDER BY 1",
    "models": "SELECT left(content_hash, 12) FROM matsift.model_version ORDER BY id DESC LIMIT 200",
    "views": """
        SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace('analysis') AND relkind = 'v' ORDER BY 1
    """,
}


def names(url: str, kind: str, limit_s: int) -> list[str]:
    """Return names of a kind (studies, sources, models, views) for a shell that completes them.

    Parameters
    ----------
    url
        Address of the database.
    kind
        What to name.
    limit_s
        Seconds after which connecting, and asking, are given up.
    """
    options = f"-c statement_timeout={1000 * limit_s}"
    with psycopg.connect(url, connect_timeout=max(limit_s, 2), options=options) as connection:
        return [str(row[0]) for row in connection.execute(_NAMES[kind].encode())]
