"""``python -m matsift_adapters.sources`` compiles the loops of parsing, so that no first run waits for it."""

from __future__ import annotations

from matsift_adapters.sources.parsing import prepare_worker

if __name__ == "__main__":
    prepare_worker()
