"""Oracles: what can label a structure that no source has labelled."""
