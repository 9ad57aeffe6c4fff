"""The figures of paper 000 that the tables set beside ours."""

from __future__ import annotations

#: Reference structures; each gives 2 strained samples, each sample 17 screening factors.
N_REFERENCE = {"perovskite": 115, "spinel": 128, "both": 243}

#: Table 1, medians over 100 splits: regressor -> set -> (RMSE test, R2 test, RMSE train, R2 train).
TABLE_1: dict[str, dict[str, tuple[float, ...]]] = {
    "linear": {
        "perovskite": (0.030, 0.76, 0.031, 0.75),
        "spinel": (0.024, 0.85, 0.022, 0.87),
        "both": (0.029, 0.77, 0.030, 0.76),
    },
    "NN1": {
        "perovskite": (0.024, 0.85, 0.023, 0.86),
        "spinel": (0.020, 0.90, 0.018, 0.92),
        "both": (0.024, 0.85, 0.023, 0.86),
    },
    "NN2": {
        "perovskite": (0.029, 0.80, 0.020, 0.89),
        "spinel": (0.019, 0.91, 0.015, 0.94),
        "both": (0.024, 0.86, 0.021, 0.88),
    },
    "NN3": {
        "perovskite": (0.029, 0.79, 0.017, 0.92),
        "spinel": (0.020, 0.90, 0.012, 0.96),
        "both": (0.023, 0.86, 0.019, 0.90),
    },
    "NN4": {"perovskite": (0.036, 0.71), "spinel": (0.022, 0.88), "both": (0.024, 0.86)},
    "NN6": {
        "perovskite": (0.051, 0.60, 0.009, 0.98),
        "spinel": (0.031, 0.80, 0.007, 0.99),
        "both": (0.031, 0.77, 0.014, 0.95),
    },
    "NN9": {"perovskite": (0.088, 0.34), "spinel": (0.073, 0.41), "both": (0.039, 0.70)},
    "NN12": {
        "perovskite": (0.14, 0.17, 0.003, 1.00),
        "spinel": (0.11, 0.23, 0.002, 1.00),
        "both": (0.051, 0.59, 0.008, 0.98),
    },
    "GPR-NN l=7": {"both": (0.024, 0.85, 0.022, 0.89)},
    "GPR-NN l=200": {"both": (0.032, 0.77, 0.031, 0.80)},
}

#: Table 2, mean absolute lattice error and its standard deviation: way -> set -> (MAE, STD).
TABLE_2: dict[str, dict[str, tuple[float, float]]] = {
    "auto": {"perovskite": (0.13, 0.066), "spinel": (0.10, 0.032), "both": (0.12, 0.053)},
    "linear": {"perovskite": (0.026, 0.038), "spinel": (0.023, 0.024), "both": (0.025, 0.032)},
    "NN1": {"perovskite": (0.031, 0.044), "spinel": (0.022, 0.026), "both": (0.026, 0.036)},
    "GPR-NN l=7": {"perovskite": (0.014, 0.024), "spinel": (0.013, 0.026), "both": (0.014, 0.025)},
}

#: The most and the least important columns, in the order of their importance.
MOST_IMPORTANT = "Er, R0_A, r_A"
LEAST_IMPORTANT = {"GPR-NN l=7": "NC_A", "GPR-NN l=200": "NC_B"}
