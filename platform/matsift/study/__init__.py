"""Studies: what to ingest, learn, screen, acquire and report, as one file of settings."""
