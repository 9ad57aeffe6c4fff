"""The outside world: sources, oracles, the artifact store, the embedded PostgreSQL."""
