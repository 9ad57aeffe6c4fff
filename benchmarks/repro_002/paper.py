"""What survives of the words and figures of paper 002; its tables are lost."""

from __future__ import annotations

N_CRYSTAL, N_GROUP, N_ITEM = 62_830, 57, 912
EPOCHS, WIDTH = 5000, 80
SEEDS = (1, 2, 3, 4, 5, 6)

#: Quartiles of V'/V - 1.
VOLUME_QUARTILES = (-0.034, 0.018)

RANGES = "trained on D(inf) is best even on items of the narrowest range"
ENSEMBLE = "the ensemble mean is above the specific mean, in precision with intervals apart"
MULTI_TASK = "learning the volume too raises recall, not precision; with the ensemble it is best"

#: What the reproduction has to reach (science.md 3.6, issue 7).
VOLUME_LIMIT = 0.08
