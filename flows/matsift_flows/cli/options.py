"""Arguments and options that several verbs share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from matsift_adapters.settings import Settings
from matsift_flows.cli.completion import study_files, study_names

StudyPath = Annotated[
    Path, typer.Argument(help="Study file, for example studies/na_electrolytes.toml.", autocompletion=study_files)
]
StudyPaths = Annotated[
    list[Path],
    typer.Argument(metavar="STUDY...", help="Study files, for example studies/*.toml.", autocompletion=study_files),
]
StudyName = Annotated[
    str,
    typer.Argument(
        metavar="STUDY", help="Name of a study that was run, for example wide_gap.", autocompletion=study_names
    ),
]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Override a key of the study; may be repeated.")
]
Workers = Annotated[int | None, typer.Option(min=1, help="Worker processes; default: all processors.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Try again what failed before.")]


def settings(workers: int | None = None) -> Settings:
    """Return the settings of the environment with the options of the command line."""
    return Settings.load(workers=workers)
