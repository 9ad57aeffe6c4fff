"""`matsift card`: what a model version learned from, how good it is, and where it ends."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matsift.errors import UserInputError
from matsift_flows.cli.options import settings

if TYPE_CHECKING:
    from matsift.reports.model_card import ModelCard
    from matsift_flows.workspace import Workspace


def card(
    name: Annotated[
        str, typer.Argument(metavar="MODEL|STUDY", help="Beginning of a model's hash; a study file, or a study's name.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder to write into; default: beside the study's report.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Of a study all model versions, not only the newest.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="Print a model's card as a page, not as Markdown.")] = False,
) -> None:
    """Print the card of a model, or write those of a study. Example: matsift card na_electrolytes.

    A card tells data, split, errors, calibration, elements covered, licence and limits. `matsift why` names the models
    behind a prediction, `matsift card 1a2b3c4d` prints the card of one.
    """
    from matsift_flows.progress import Reporter
    from matsift_flows.reporting.cards import FOLDER, card_of, write_cards
    from matsift_flows.reporting.keeping import folder_of
    from matsift_flows.workspace import open_existing

    study = _study_name(name)
    with open_existing(settings(), Reporter(quiet=True)) as workspace:
        cards, folder = _cards_of_study(workspace, study, every=every), out
        if cards:
            folder = out or folder_of(workspace, study) / FOLDER
        elif study != name:
            raise UserInputError(
                f"the study {study} has no model yet; run `matsift train {name}` or `matsift run {name}`"
            )
        else:
            cards = [card_of(workspace, name)]
        if folder is not None:
            for path in write_cards(cards, folder):
                typer.echo(path)
        else:
            typer.echo(_text(cards[0], as_html=as_html), nl=False)


def _study_name(name: str) -> str:
    """Return the name of the study in a file, or what was given where it is no file."""
    if not name.endswith(".toml"):
        return name
    from matsift.study.loading import load_study

    return load_study(Path(name), ()).name


def _cards_of_study(workspace: Workspace, study: str, *, every: bool) -> list[ModelCard]:
    from matsift_flows.reporting.cards import cards_of, ranking_cards

    return cards_of(workspace, study) if every else ranking_cards(workspace, study)


def _text(card: ModelCard, *, as_html: bool) -> str:
    from matsift.reports.model_card_page import card_html, card_markdown

    return card_html(card) if as_html else card_markdown(card)
