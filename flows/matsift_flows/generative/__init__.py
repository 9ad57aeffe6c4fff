"""Flows of generative design: formulas, networks, proposals, searches, crystals."""
