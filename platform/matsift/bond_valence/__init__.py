"""The soft bond-valence force field of oxides: parameters, energy, valence sums, relaxation, screening factor."""
