"""Densities of cubic compounds by density functional theory: the compounds, and what came out beside others."""
