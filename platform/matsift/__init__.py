"""matsift: domain records and science. No database, no scheduler, no network."""

__version__ = "0.1.0"
