"""Screening: named criteria for candidates, named quality rules for labels."""
