"""The errors of matsift: each holds its fields, builds its own sentence and names the remedy.

::

    MatsiftError
    ├── UserInputError            what was asked cannot be met as it was asked
    │   ├── StudyError            a study file or an override is wrong
    │   ├── UnknownDescriptorSet  (KeyError)
    │   ├── UnknownProperty       (KeyError)
    │   ├── SourceError           a file, folder or archive as a whole is unusable
    │   └── PackageError          a data package is damaged, or does not fit what is here
    ├── BadStructureError         one structure cannot be read or is not a crystal
    ├── BadLabelError             one label is not a finite number
    ├── DescriptorError           one structure has no value in a descriptor set
    │   └── DescriptorTimeout     ... because it took longer than the limit
    ├── OracleError               one structure could not be labelled
    ├── WorkerStartError          a worker process cannot load or prepare its function
    ├── PoolLost                  the machines that a pool works on are gone (execution/pool.py)
    ├── ArtifactError             the artifact store cannot take or give a file
    └── DatabaseError             no usable PostgreSQL at the address

    MatsiftWarning (UserWarning)  tolerated oddities; tests turn them into errors
"""

from matsift.sentences import bearable
from matsift.suggestions import meant


class MatsiftError(Exception):
    """Root of all errors that matsift raises on purpose; its text is one plain sentence for a person."""

    def __init__(self, *told: object) -> None:
        super().__init__(*(bearable(one) if isinstance(one, str) else one for one in told))


class MatsiftWarning(UserWarning):
    """Root of the warnings for oddities that are tolerated."""


class UserInputError(MatsiftError):
    """What was asked cannot be met as it was asked; nothing was changed."""


class StudyError(UserInputError):
    """A study file, or an override of it, is wrong.

    Parameters
    ----------
    study
        Path or name of the study.
    problem
        Which key is wrong, and how.
    remedy
        What to do.
    """

    def __init__(self, study: str, problem: str, remedy: str) -> None:
        super().__init__(f"{study}: {problem}; {remedy}")
        self.study, self.problem, self.remedy = study, problem, remedy


class UnknownDescriptorSet(UserInputError, KeyError):  # noqa: N818
    """A descriptor set of this name does not exist."""

    def __init__(self, name: str, known: list[str]) -> None:
        MatsiftError.__init__(
            self, f"there is no descriptor set {name!r}{meant(name, known)}; use one of {', '.join(sorted(known))}"
        )
        self.name, self.known = name, known

    def __str__(self) -> str:
        return str(self.args[0])


class UnknownProperty(UserInputError, KeyError):  # noqa: N818
    """A property of this name does not exist."""

    def __init__(self, name: str, known: list[str]) -> None:
        MatsiftError.__init__(
            self, f"there is no property {name!r}{meant(name, known)}; use one of {', '.join(sorted(known))}"
        )
        self.name, self.known = name, known

    def __str__(self) -> str:
        return str(self.args[0])


class SourceError(UserInputError):
    """A source as a whole is unusable: missing, unreadable, truncated, or not in a known format."""

    def __init__(self, path: str, problem: str, remedy: str) -> None:
        super().__init__(f"{path}: {problem}; {remedy}")
        self.path, self.problem, self.remedy = path, problem, remedy


class PackageError(UserInputError):
    """A data package is damaged, is none, or does not fit what the database holds; nothing of it was written."""

    def __init__(
        self, path: str, problem: str, remedy: str = "fetch it again, or let its author export it again"
    ) -> None:
        super().__init__(f"{path}: {problem}; nothing was imported, {remedy}")
        self.path, self.problem, self.remedy = path, problem, remedy


class BadStructureError(MatsiftError):
    """One structure cannot be read, or is not a crystal."""


class FieldError(MatsiftError):
    """A field on a grid cannot be read, or is not what it says."""


class BadLabelError(MatsiftError):
    """One label is not a finite number."""


class DescriptorError(MatsiftError):
    """One structure has no value in a descriptor set."""


class DescriptorTimeout(DescriptorError):  # noqa: N818
    """One structure took longer than the limit in a descriptor set."""


class OracleError(MatsiftError):
    """One structure could not be labelled by an oracle."""


class WorkerStartError(MatsiftError):
    """A worker process cannot load or prepare the function that it is for."""

    def __init__(self, target: str, problem: str) -> None:
        super().__init__(f"a worker process for {target} cannot start: {problem}")
        self.target, self.problem = target, problem


class ArtifactError(MatsiftError):
    """The artifact store cannot take or give a file."""


class DatabaseError(MatsiftError):
    """There is no usable PostgreSQL at the address, or a right or the vector extension is missing."""
