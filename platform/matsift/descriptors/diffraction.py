"""The descriptor set that is no table: of each structure the occupied bins of its ideal powder profile.

`matsift.diffraction.ideal.ideal_profiles` computes it; the database keeps it in ``diffraction_profile``.
"""

from __future__ import annotations

from matsift.descriptors.sets import DescriptorSet

DIFFRACTION = DescriptorSet(
    name="diffraction",
    version="1",
    columns=("bin", "intensity"),
    description="ideal X-ray powder profile, sparse: |F|^2 of all reflections in 10,001 bins of 1/d from 0.1131 to "
    "1.0625 1/angstrom, nine-parameter form factors, B = 2 angstrom2, over the largest; bins above 1e-5",
)
