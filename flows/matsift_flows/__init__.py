"""Prefect flows and the command line: wiring, nothing else."""
