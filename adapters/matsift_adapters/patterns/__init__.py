"""Measured powder patterns from the files of diffractometers."""

from matsift_adapters.patterns.reading import read_pattern, read_patterns

__all__ = ["read_pattern", "read_patterns"]
