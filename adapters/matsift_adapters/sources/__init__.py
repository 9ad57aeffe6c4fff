"""Sources of structures and labels: files, tables, and the bundled data set."""

from matsift_adapters.sources.registry import open_source
from matsift_adapters.sources.source import Source

__all__ = ["Source", "open_source"]
