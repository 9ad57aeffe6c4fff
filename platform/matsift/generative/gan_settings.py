"""Settings of the generative adversarial network of compositions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from matsift.errors import UserInputError

#: Networks by name: MatGAN's convolutions over the elements and the counts, and layers that see all at once.
ARCHITECTURES = ("matgan", "dense")
#: What the generator's last layer says of an element: each count by itself (MatGAN), shares of all counts and none, or
#: one that is drawn by these shares.
OUTPUTS = ("sigmoid", "softmax", "drawn")


@dataclass(frozen=True)
class GanSettings:
    """How a generator of compositions is built and trained.

    MatGAN's own (Dan 2020, from which paper 004 takes its samples) are `MATGAN`; docs/generative.md says why the
    defaults differ.

    Parameters
    ----------
    architecture, output
        One of `ARCHITECTURES` and of `OUTPUTS`.
    width
        Channels over MatGAN's, or neurons of a hidden layer over 512 in "dense".
    most_count
        Counts from 1 to this have a column; formulas with larger ones are not learned from.
    noise
        Standard normal numbers that a composition is made from.
    epochs, batch, critic_steps
        Passes over the formulas, formulas a step, and steps of the critic before one of the generator.
    generator_rate, critic_rate
        Learning rates of Adam with the decays 0.5 and 0.9.
    penalty
        Weight of (|gradient of the critic| - 1)^2 between formulas and samples.
    critic_norm
        Batch normalisation in the critic, as MatGAN has it against the theory of the penalty.
    reward
        Weight of chemical validity in what the generator is trained for, beside the critic; 0, as in the paper, leaves
        it to the critic alone. For the output "drawn" (policy gradient, as in MolGAN, De Cao 2018).
    average
        Decay a step of the mean over the generator's weights that samples are drawn with, less in the first steps; 0
        takes the last weights.
    threshold
        From this on an entry of the output counts as one.
    device
        Of `matsift.learners.devices`.
    """

    architecture: str = "dense"
    output: str = "drawn"
    width: float = 0.5
    most_count: int = 8
    noise: int = 128
    epochs: int = 20
    batch: int = 64
    critic_steps: int = 2
    generator_rate: float = 5e-4
    critic_rate: float = 5e-4
    penalty: float = 10.0
    critic_norm: bool = False
    reward: float = 0.0
    average: float = 0.99
    threshold: float = 0.2
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES:
            raise UserInputError(f"there is no architecture {self.architecture!r}; use {' or '.join(ARCHITECTURES)}")
        if self.output not in OUTPUTS:
            raise UserInputError(f"there is no output {self.output!r}; use {' or '.join(OUTPUTS)}")
        if self.reward < 0 or (self.reward and self.output != "drawn"):
            raise UserInputError('reward must not be below 0, and is for the output "drawn" alone')
        if self.critic_norm and self.architecture != "matgan":
            raise UserInputError('only the architecture "matgan" has batch normalisation in the critic')
        for name in ("most_count", "noise", "epochs", "batch", "critic_steps"):
            if getattr(self, name) < 1:
                raise UserInputError(f"{name} must be at least 1, not {getattr(self, name)}")
        if not 0 <= self.average < 1 or not 0 < self.threshold < 1 or self.width <= 0:
            raise UserInputError("average must be in [0, 1), threshold in (0, 1) and width above 0")

    def as_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the settings of JSON values."""
        return cls(**{field.name: values[field.name] for field in fields(cls) if field.name in values})


#: As in MatGAN's repository, for its data of ICSD and MP.
MATGAN = GanSettings(
    architecture="matgan",
    output="sigmoid",
    width=1.0,
    batch=32,
    critic_steps=1,
    generator_rate=1e-3,
    critic_rate=1e-2,
    critic_norm=True,
    average=0.0,
)
