"""Percolation barriers beside measured conductivities."""
