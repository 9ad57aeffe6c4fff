"""CHGNet as a potential: energies, forces and stresses of a batch of cells, with its failures named.

CHGNet: Deng et al., Nature Machine Intelligence 5, 1031 (2023). The weights come in the package.
"""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from functools import cache
from typing import Any

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from matsift.errors import OracleError

MODEL_VERSION = "0.3.0"

#: Cubic angstrom an atom: outside these bounds a cell has collapsed or flown apart.
VOLUME_PER_ATOM_BOUNDS = (2.0, 400.0)

_HEAVIEST = 94  # plutonium, the last element of the training data
_BATCH_ATOMS = 16  # larger batches are slower on one thread, smaller ones waste time on calls


def initialize_worker() -> None:
    """Set one thread, silence the libraries and load the model, so that the first item is not charged for it."""
    import torch  # noqa: PLC0415  heavy, and only a labelling process needs it

    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    load_model()


@cache
def load_model() -> Any:
    """Return the CHGNet model of this process, on the CPU, in evaluation mode.

    Raises
    ------
    OracleError
        If the installed package does not hold version `MODEL_VERSION`.
    """
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from chgnet.model.model import CHGNet  # noqa: PLC0415  heavy, and only a labelling process needs it

        model = CHGNet.load(model_name=MODEL_VERSION, use_device="cpu", verbose=False)
    if model.version != MODEL_VERSION:
        raise OracleError(f"the chgnet package holds model {model.version}, not {MODEL_VERSION}: install chgnet 0.4")
    model.graph_converter.set_isolated_atom_response("error")
    for weight in model.parameters():
        weight.requires_grad = False  # forces and stresses need no gradients of the weights
    return model.eval()


class Potential:
    """CHGNet for one list of species; counts its evaluations."""

    has_exact_stress = True

    def __init__(self, species: tuple[str, ...]) -> None:
        self.species = species
        self.n_evaluation = 0

    def evaluate(
        self, cells: NDArray[np.float64], positions: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return energies (m,) eV, forces (m, n, 3) eV/angstrom and stresses (m, 3, 3) GPa, tension positive.

        Parameters
        ----------
        cells, positions
            (m, 3, 3) and (m, n, 3), angstrom.

        Raises
        ------
        OracleError
            If a cell has collapsed or flown apart, an atom has no neighbour, or the model gives no finite number.
        """
        from pymatgen.core import Structure  # noqa: PLC0415  pymatgen takes a second to import

        n_atom = len(self.species)
        self._check_elements()
        self._check_volumes(cells, n_atom)
        model = load_model()
        self.n_evaluation += len(cells)
        try:
            graphs = [
                model.graph_converter(Structure(cell, self.species, xyz, coords_are_cartesian=True))
                for cell, xyz in zip(cells, positions, strict=True)
            ]
            out = model.predict_graph(graphs, task="efs", batch_size=max(1, _BATCH_ATOMS // n_atom))
        except (ValueError, RuntimeError, IndexError) as error:
            if "isolated atom" in str(error):
                raise OracleError("an atom has no neighbour within 6 angstrom, so CHGNet cannot describe it") from None
            raise OracleError(f"CHGNet could not evaluate the cell: {str(error).splitlines()[0]}") from None
        rows = [out] if isinstance(out, dict) else out
        energies = np.array([float(row["e"]) * n_atom for row in rows])
        forces = np.array([row["f"] for row in rows], dtype=np.float64).reshape(len(rows), n_atom, 3)
        stresses = np.array([row["s"] for row in rows], dtype=np.float64).reshape(len(rows), 3, 3)
        if not (np.isfinite(energies).all() and np.isfinite(forces).all() and np.isfinite(stresses).all()):
            raise OracleError("CHGNet gave an energy, force or stress that is not a finite number")
        return energies, forces, 0.5 * (stresses + stresses.transpose(0, 2, 1))

    def _check_elements(self) -> None:
        unknown = sorted({symbol for symbol in self.species if atomic_numbers.get(symbol, _HEAVIEST + 1) > _HEAVIEST})
        if unknown:
            raise OracleError(f"CHGNet does not know {', '.join(unknown)}: its training data end with plutonium")

    @staticmethod
    def _check_volumes(cells: NDArray[np.float64], n_atom: int) -> None:
        volumes = np.abs(np.linalg.det(cells)) / n_atom
        low, high = VOLUME_PER_ATOM_BOUNDS
        if not ((volumes > low) & (volumes < high)).all():
            raise OracleError(
                f"the cell collapsed or flew apart: {float(volumes[0]):.3g} cubic angstrom an atom, "
                f"outside {low:g} to {high:g}"
            )
