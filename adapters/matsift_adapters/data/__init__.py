"""Data files that the package carries, and their format.

`CHGNET_PROTOTYPES` is a gzip file of JSON lines. Its first line is a header::

    {"dataset": "chgnet_prototypes", "version": "2026.11", "method": "chgnet-0.3.0-finite-strain",
     "versions": {package: version}, "seed": 2026, "licence": "CC-BY-4.0", "date": "2026-11-21",
     "units": {property: unit}, "counts": {role: rows, "labelled_with_sodium": rows, "pool_with_sodium": rows}}

and every further line one candidate crystal, in the order of `external_id`::

    {"external_id": "msp-000123", "role": "labelled", "formula": "NaCl",
     "lattice": [9 numbers, angstrom, rows are the vectors], "species": ["Na", "Cl"], "frac_coords": [[x, y, z], ...],
     "prototype": "AB_cF8_225_a_b", "substitution": "Cl->Br Na->Na" (old->new; "" for the prototype itself),
     "labels": {property name of matsift.units: value}, "tensor_gpa": [21 numbers] | null, "born_stable": true | null,
     "failure": null | {"stage": "relax", "error_class": "OracleError", "message": "...", "seconds": 1.2},
     "n_evaluation": 31, "seconds": 1.52}

`tensor_gpa` is the upper triangle of the Voigt matrix, row by row, in the Cartesian axes of `lattice`
(`matsift.elasticity.moduli.from_upper_triangle` makes it whole). The roles:

========== ===========================================================================================================
labelled   relaxed crystal with elastic moduli and energies, Born stable, Reuss averages within those of Voigt
pool       relaxed crystal with energies only, for an active-learning loop to ask about; drawn before any tensor
reference  relaxed elemental crystal with energies only
rejected   as labelled, but not Born stable or with averages out of order: the labels and the tensor stay, not for use
duplicate  relaxed to the same crystal as an earlier row, which `failure` names
failed     the starting crystal, no labels; `failure` says at which stage and why
========== ===========================================================================================================

`OXIDE_PROTOTYPES` has the same form, and holds cubic perovskites ABO3 and normal spinels AB2O4. Its lines are called
after prototype and formula, A first (``spinel-MgAl2O4``), have ``ions`` ("Mg2+ Al3+", A before B) for ``substitution``,
``lattice_constant_angstrom`` (of the conventional cubic cell) and ``oxygen_parameter`` (u of a spinel in the second
origin choice, null for a perovskite), energies for labels, no tensor, and the roles:

========== ===========================================================================================================
labelled   relaxed with its symmetry kept
unseen     as labelled, but kept from training, to try a model on (`UNSEEN_ELEMENTS` of `matsift.candidates.oxides`)
failed     the starting crystal, no labels; `failure` says why
========== ===========================================================================================================

`CUBIC_DENSITIES` has the same form again: cubic compounds by density functional theory. Its lines are called after
prototype and elements (``rock-salt-Na-Cl``), are ``labelled`` or ``failed``, and have bulk modulus and energy for
labels, and beside them: ``version`` (when it was computed: a later attempt is a new state of the entry),
``lattice_constant_angstrom``, ``k_derivative`` and ``residual_mev`` of the equation of state,
``n_electron`` (the sum of the density on its grid), ``kpoints``, fingerprints of the ``setups``, ``density`` (that is
the columns of `matsift.density.field_statistics` of the density smeared by B = 2 angstrom2, and
``electrons_moved_per_atom``: half the integral of the absolute difference to the promolecule), ``densities_sha256``
(name of the grids' file where they were computed), and ``materials_project`` (id, lattice constant, k_vrh and g_vrh of
that entry).
"""

from pathlib import Path

#: Name of the data set, and its version (year and month of the computation).
DATASET = "chgnet_prototypes"
VERSION = "2026.11"
LICENCE = "CC-BY-4.0"

#: The packed file.
CHGNET_PROTOTYPES = Path(__file__).with_name(f"{DATASET}.jsonl.gz")

#: The same of the oxides.
OXIDES = "oxide_prototypes"
OXIDES_VERSION = "2026.11"
OXIDE_PROTOTYPES = Path(__file__).with_name(f"{OXIDES}.jsonl.gz")

#: Cubic compounds whose electron densities were computed; the table, not the grids.
DENSITIES = "cubic_densities"
DENSITIES_VERSION = "2026.11"
CUBIC_DENSITIES = Path(__file__).with_name(f"{DENSITIES}.jsonl.gz")
