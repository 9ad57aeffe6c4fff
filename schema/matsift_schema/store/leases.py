"""When a claim no longer protects what was claimed: the SQL of it, by the server's clock alone."""

from __future__ import annotations


def lease_ended(table: str = "") -> str:
    """Return the condition that the lease of a claimed acquisition is over.

    It is over at its end; and where its last sign of life lies ahead, as then the server's clock has been set back,
    and the end of whoever died before that may be years away. A minute is left for clocks that are only corrected.
    """
    prefix = f"{table}." if table else ""
    return (
        f"({prefix}lease_expires_at < clock_timestamp()"
        f" OR coalesce({prefix}heartbeat_at > clock_timestamp() + interval '1 minute', false))"
    )
