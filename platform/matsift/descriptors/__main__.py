"""``python -m matsift.descriptors`` compiles the loops of all descriptor sets, so that no first run waits for it."""

from __future__ import annotations

from matsift.descriptors.registry import known_descriptor_sets, prepare_worker

if __name__ == "__main__":
    prepare_worker(known_descriptor_sets())
