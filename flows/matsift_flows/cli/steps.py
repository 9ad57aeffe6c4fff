"""One verb a step of a study; `matsift run` takes them all in turn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matsift_flows.cli.campaign_lines import waiting_sentence
from matsift_flows.cli.completion import study_files, study_names
from matsift_flows.cli.options import AsJson, Overrides, Quiet, RetryFailed, StudyPath, Workers, settings

if TYPE_CHECKING:
    from matsift.study.settings import Study
    from matsift_flows.workspace import Workspace


def relax(
    study: StudyPath,
    overrides: Overrides = None,
    workers: Workers = None,
    retry_failed: RetryFailed = False,
    quiet: Quiet = False,
) -> None:
    """Relax and label the reference oxides of a study. Example: matsift relax studies/softbv_oxides.toml."""
    from matsift.errors import StudyError
    from matsift_flows.bond_valence import relax as flow
    from matsift_flows.orchestration import invoke

    def step(workspace: Workspace, loaded: Study, _: Path) -> str:
        if loaded.bond_valence is None:
            raise StudyError(str(study), "it has no table [bond_valence]", "add one, or name a study of oxides")
        return f"{invoke(flow, workspace, loaded)} relaxations are new"

    _step(step, study, overrides, workers=workers, quiet=quiet, retry_failed=retry_failed)


def featurize(
    study: StudyPath,
    overrides: Overrides = None,
    workers: Workers = None,
    retry_failed: RetryFailed = False,
    quiet: Quiet = False,
) -> None:
    """Compute the descriptors that are missing. Example: matsift featurize studies/na_electrolytes.toml."""
    from matsift_flows.featurize import featurize as flow
    from matsift_flows.orchestration import invoke

    def step(workspace: Workspace, loaded: Study, _: Path) -> str:
        return f"{invoke(flow, workspace, loaded)} descriptor vectors are new"

    _step(step, study, overrides, workers=workers, quiet=quiet, retry_failed=retry_failed)


def train(study: StudyPath, overrides: Overrides = None, workers: Workers = None, quiet: Quiet = False) -> None:
    """Train the models of a study that are missing. Example: matsift train studies/na_electrolytes.toml."""
    from matsift_flows.orchestration import invoke
    from matsift_flows.train import train as flow

    def step(workspace: Workspace, loaded: Study, _: Path) -> str:
        if loaded.diffraction is not None:
            from matsift_flows.diffraction.training import train_networks

            return f"{len(invoke(train_networks, workspace, loaded))} ensembles are there"
        if loaded.density is not None:
            from matsift_flows.density.fields import fields
            from matsift_flows.density.training import train_learners

            invoke(fields, workspace, loaded)
            return f"{len(invoke(train_learners, workspace, loaded))} model versions are there"
        return f"{len(invoke(flow, workspace, loaded))} model versions are there"

    _step(step, study, overrides, workers=workers, quiet=quiet)


def predict(
    study: Annotated[
        Path | None,
        typer.Argument(
            help="Study file whose candidates to predict, for example studies/na_electrolytes.toml.",
            autocompletion=study_files,
        ),
    ] = None,
    overrides: Overrides = None,
    workers: Workers = None,
    quiet: Quiet = False,
    study_name: Annotated[
        str | None,
        typer.Option("--study", help="Name of a study of oxides that was run.", autocompletion=study_names),
    ] = None,
    formula: Annotated[str | None, typer.Option(help="One oxide to ask about, for example SrHfO3.")] = None,
    prototype: Annotated[str | None, typer.Option(help="Its structure: perovskite or spinel.")] = None,
    ions: Annotated[
        str | None, typer.Option(help="Its cations, where several oxidation states balance: 'Fe2+ Ti4+'.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict the candidates of a study, or one oxide. Example: matsift predict studies/na_electrolytes.toml.

    One oxide: matsift predict --study softbv_oxides --formula SrHfO3 --prototype perovskite
    """
    if study is None or study_name or formula or prototype or ions:
        from matsift.study.loading import load_study
        from matsift_flows.cli.new_oxide import predict_oxide, required

        if study_name is None and study is not None:
            study_name = load_study(study, overrides or ()).name
        predict_oxide(*required(study_name, formula, prototype), ions, as_json=as_json)
        return
    from matsift_flows.derive import derive, predict_derived
    from matsift_flows.orchestration import invoke
    from matsift_flows.predict import predict as flow
    from matsift_flows.screen import screen as screen_flow
    from matsift_flows.train import train as train_flow

    def step(workspace: Workspace, loaded: Study, _: Path) -> str:
        ids = invoke(screen_flow, workspace, loaded).candidate_ids
        trained = invoke(train_flow, workspace, loaded)
        models = [m.id for m in trained if m.wanted.role == "ensemble"]
        n_new = sum(invoke(flow, workspace, loaded, model, ids) for model in models)
        n_new += invoke(predict_derived, workspace, loaded, invoke(derive, workspace, loaded, trained), ids)
        return f"{n_new} predictions are new"

    _step(step, study, overrides, workers=workers, quiet=quiet)


def generate(
    study: StudyPath,
    overrides: Overrides = None,
    workers: Workers = None,
    quiet: Quiet = False,
) -> None:
    """Propose compositions and make crystals of the best. Example: matsift generate studies/wide_gap.toml."""
    from matsift.errors import StudyError
    from matsift_flows.orchestration import invoke
    from matsift_flows.train import train as train_flow

    def step(workspace: Workspace, loaded: Study, base_dir: Path) -> str:
        if loaded.generative is None:
            raise StudyError(str(study), "it has no table [generative]", "add one, or name a study that proposes")
        from matsift_flows.generative.steps import generate as flow

        done = invoke(flow, workspace, loaded, invoke(train_flow, workspace, loaded), base_dir)
        return f"{len(done.batch_ids)} batches are there; crystals were tried for {len(done.chosen)} compositions"

    _step(step, study, overrides, workers=workers, quiet=quiet)


def mobility(
    study: StudyPath,
    overrides: Overrides = None,
    workers: Workers = None,
    retry_failed: RetryFailed = False,
    quiet: Quiet = False,
) -> None:
    """Compute where an ion can go in the first candidates. Example: matsift mobility studies/na_electrolytes.toml."""

    def step(workspace: Workspace, loaded: Study, _: Path) -> str:
        return f"{_mobility(workspace, loaded)} structures have percolation barriers that are new"

    _step(step, study, overrides, workers=workers, quiet=quiet, retry_failed=retry_failed)


def screen(study: StudyPath, overrides: Overrides = None, quiet: Quiet = False) -> None:
    """Evaluate the criteria of a study. Example: matsift screen studies/na_electrolytes.toml."""
    from matsift_flows.orchestration import invoke
    from matsift_flows.screen import screen as flow

    def step(workspace: Workspace, loaded: Study, _: Path) -> str:
        found = invoke(flow, workspace, loaded)
        return f"{len(found.candidate_ids)} candidates, {len(found.eligible_ids)} of which no criterion failed"

    _step(step, study, overrides, quiet=quiet)


def acquire(
    study: StudyPath,
    overrides: Overrides = None,
    workers: Workers = None,
    retry_failed: RetryFailed = False,
    quiet: Quiet = False,
) -> None:
    """Carry the campaigns of a study as far as they go. Example: matsift acquire studies/na_electrolytes.toml."""
    from matsift_flows.acquire import acquire as flow
    from matsift_flows.orchestration import invoke
    from matsift_flows.screen import screen as screen_flow

    def step(workspace: Workspace, loaded: Study, _: Path) -> str:
        _mobility(workspace, loaded)
        done = invoke(flow, workspace, loaded, invoke(screen_flow, workspace, loaded))
        if done.waiting is not None:
            return waiting_sentence(done.waiting, study)
        return f"{len(done.campaigns)} campaigns have come to their end"

    _step(step, study, overrides, workers=workers, quiet=quiet, retry_failed=retry_failed)


def _mobility(workspace: Workspace, study: Study) -> int:
    """Return how many structures have barriers that are new; 0 where the study does not ask for any."""
    if study.mobility is None:
        return 0
    from matsift_flows.mobility import mobility as flow
    from matsift_flows.orchestration import invoke
    from matsift_flows.train import train as train_flow

    return invoke(flow, workspace, study, invoke(train_flow, workspace, study))


def _step(
    step: Callable[[Workspace, Study, Path], str],
    study: Path,
    overrides: list[str] | None,
    *,
    workers: int | None = None,
    quiet: bool = False,
    retry_failed: bool = False,
) -> None:
    from matsift.study.loading import load_study
    from matsift_flows.progress import Reporter
    from matsift_flows.workspace import open_workspace

    loaded = load_study(study, overrides or ())
    with (
        open_workspace(settings(workers), Reporter(quiet=quiet), retry_failed=retry_failed) as workspace,
        workspace.alone_on(loaded.name),
    ):
        typer.echo(step(workspace, loaded, study.parent))


COMMANDS: dict[str, Callable[..., Any]] = {
    "relax": relax,
    "featurize": featurize,
    "train": train,
    "predict": predict,
    "generate": generate,
    "mobility": mobility,
    "screen": screen,
    "acquire": acquire,
}
