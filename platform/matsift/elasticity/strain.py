"""Finite strains: which to apply to a crystal, how to fit its elastic tensor from the stresses they cause.

Strain and stress stand in Voigt order (xx, yy, zz, yz, xz, xy); shear strains are engineering strains. A point group
operation R takes a measured pair (strain, stress) to another valid pair, (R e R^T, R s R^T), so a crystal of high
symmetry needs fewer strained cells: two directions instead of six for a cubic one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from matsift.elasticity.moduli import UPPER_TRIANGLE, VOIGT_PAIRS

#: Magnitude of the strains applied, with both signs, so that the second order cancels. It is larger than for a density
#: functional (0.005 to 0.01): the stiffness of a learned potential wavers over a per cent of strain (CHGNet, NaCl: 19
#: to 29 GPa for the bulk modulus), and an average over a few per cent comes nearer to the functional that it learned.
STRAIN = 0.03

_RANK_TOLERANCE = 1e-6


def strain_matrix(voigt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the symmetric strain (3, 3) of an engineering strain (6,)."""
    matrix = np.zeros((3, 3))
    for value, (i, j) in zip(voigt, VOIGT_PAIRS, strict=True):
        matrix[i, j] = matrix[j, i] = value if i == j else 0.5 * value
    return matrix


def strain_voigt(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the engineering strain (6,) of a symmetric strain (3, 3)."""
    return np.array([matrix[i, j] if i == j else matrix[i, j] + matrix[j, i] for i, j in VOIGT_PAIRS])


def stress_voigt(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the stress (6,) of a stress tensor (3, 3), its symmetric part."""
    return np.array([0.5 * (matrix[i, j] + matrix[j, i]) for i, j in VOIGT_PAIRS])


def strain_rotation(rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (6, 6) matrix that takes an engineering strain to the one seen after a rotation (3, 3)."""
    columns = [strain_voigt(rotation @ strain_matrix(unit) @ rotation.T) for unit in np.eye(6)]
    return np.array(columns).T


def cartesian_rotations(lattice: NDArray[np.float64], rotations: NDArray[np.int32]) -> NDArray[np.float64]:
    """Return the point group as Cartesian matrices (n, 3, 3), without repeats.

    Parameters
    ----------
    lattice
        (3, 3), angstrom; rows are the lattice vectors.
    rotations
        (n, 3, 3), acting on fractional coordinates as column vectors (the convention of spglib).
    """
    columns = lattice.T
    inverse = np.linalg.inv(columns)
    unique = np.unique(np.asarray(rotations, dtype=np.int64).reshape(-1, 9), axis=0).reshape(-1, 3, 3)
    return np.array([columns @ w @ inverse for w in unique])


def strain_directions(rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (n, 6) unit engineering strains, n from 1 to 6, whose images under a point group span all strains.

    The simplest directions come first: a direction of the Voigt basis is taken when its images add to the span.
    """
    operators = [strain_rotation(r) for r in rotations]
    chosen: list[NDArray[np.float64]] = []
    span: NDArray[np.float64] = np.zeros((0, 6))
    for unit in np.eye(6):
        images = np.array([op @ unit for op in operators])
        wider = np.vstack([span, images])
        if np.linalg.matrix_rank(wider, tol=_RANK_TOLERANCE) > np.linalg.matrix_rank(span, tol=_RANK_TOLERANCE):
            chosen.append(unit)
            span = wider
    return np.array(chosen)


def strained_lattice(lattice: NDArray[np.float64], voigt: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the lattice (3, 3) after an engineering strain (6,): each vector v becomes (1 + e) v."""
    return lattice @ (np.eye(3) + strain_matrix(voigt))


def fit_tensor(
    strains: NDArray[np.float64], stresses: NDArray[np.float64], rotations: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the symmetric elastic tensor (6, 6), GPa, that fits stress differences best in least squares.

    Every pair is used in all its orientations under the point group, so the tensor has the crystal's symmetry.

    Parameters
    ----------
    strains
        (m, 6), engineering strain differences, for example +e minus -e.
    stresses
        (m, 6), GPa, the stress differences they cause. A residual stress of the unstrained cell cancels in them.
    rotations
        (n, 3, 3), Cartesian point group.

    Raises
    ------
    ValueError
        If the images of the strains do not span all six directions.
    """
    pairs = [
        (strain_voigt(r @ strain_matrix(e) @ r.T), stress_voigt(r @ _stress_matrix(s) @ r.T))
        for r in rotations
        for e, s in zip(strains, stresses, strict=True)
    ]
    rows, columns = UPPER_TRIANGLE
    design = np.zeros((len(pairs), 6, 21))
    for block, (e, _) in zip(design, pairs, strict=True):
        for k, (i, j) in enumerate(zip(rows, columns, strict=True)):
            block[i, k] += e[j]
            if i != j:
                block[j, k] += e[i]
    target = np.array([s for _, s in pairs]).ravel()
    constants, _, rank, _ = np.linalg.lstsq(design.reshape(-1, 21), target, rcond=1e-9)
    if rank < 21:
        raise ValueError("the strains and their images under the point group do not span all six directions")
    tensor = np.zeros((6, 6))
    tensor[UPPER_TRIANGLE] = constants
    return tensor + np.triu(tensor, 1).T


def rotated_tensor(tensor: NDArray[np.float64], rotation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the elastic tensor (6, 6) in axes turned by a rotation (3, 3): C' = R4(C)."""
    strain_op = strain_rotation(rotation)
    inverse = np.linalg.inv(strain_op)
    turned: NDArray[np.float64] = inverse.T @ tensor @ inverse
    return turned


def point_group_average(tensor: NDArray[np.float64], rotations: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the tensor (6, 6) averaged over a Cartesian point group (n, 3, 3): its part with that symmetry."""
    average: NDArray[np.float64] = np.mean([rotated_tensor(tensor, r) for r in rotations], axis=0)
    return average


def _stress_matrix(voigt: NDArray[np.float64]) -> NDArray[np.float64]:
    matrix = np.zeros((3, 3))
    for value, (i, j) in zip(voigt, VOIGT_PAIRS, strict=True):
        matrix[i, j] = matrix[j, i] = value
    return matrix
