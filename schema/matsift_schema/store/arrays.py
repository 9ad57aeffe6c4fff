"""What the store takes for columns of numbers: lists or arrays of any width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = Sequence[float] | NDArray[np.floating[Any]]
Ids = Sequence[int] | NDArray[np.integer[Any]]
Flags = Sequence[bool] | NDArray[np.bool_]
Texts = Sequence[str] | NDArray[np.str_]
