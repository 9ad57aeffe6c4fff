"""Rates of generative design: distances, templates, validity, fits of the search; cells of substituted crystals."""
