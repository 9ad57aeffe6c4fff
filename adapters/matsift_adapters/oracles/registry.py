"""The oracles by name: what labels a structure, under which method, by which worker function."""

from __future__ import annotations

from dataclasses import dataclass

from matsift.errors import UserInputError


@dataclass(frozen=True)
class Oracle:
    """Something that labels structures.

    `target` and `initializer` are ``module:function`` for `matsift.execution.killable.KillablePool`; the target takes a
    `Crystal` and returns a dict that holds the value of each of `properties`, and `born_stable`.
    """

    name: str
    method: str
    target: str
    initializer: str
    properties: tuple[str, ...]

    @property
    def origin(self) -> str:
        """What its labels name as their origin."""
        return f"oracle:{self.name}"


def oracle(name: str) -> Oracle:
    """Return the oracle of a name.

    Raises
    ------
    UserInputError
        If there is none.
    """
    if name != "chgnet":
        raise UserInputError(f"there is no oracle {name!r}; use chgnet")
    from matsift_adapters.oracles.chgnet import METHOD  # noqa: PLC0415  it loads PyTorch, which takes seconds

    module = "matsift_adapters.oracles.chgnet"
    moduli = ("k_vrh", "g_vrh", "k_voigt", "k_reuss", "g_voigt", "g_reuss")
    return Oracle(name, METHOD, f"{module}:label_elasticity", f"{module}:initialize_worker", moduli)
