"""The bond-valence force field beside others: rates."""
