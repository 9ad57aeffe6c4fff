"""``python -m matsift_adapters.oracles`` compiles the loops behind site energies, so that no first run waits for it."""

from __future__ import annotations

from matsift_adapters.oracles.percolation import initialize_worker

if __name__ == "__main__":
    initialize_worker()
