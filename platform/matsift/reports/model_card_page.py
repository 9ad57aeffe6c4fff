"""The card of a model version as Markdown and as one HTML page that needs no network and runs no script."""

from __future__ import annotations

import re

from matsift.reports.model_card import ModelCard
from matsift.reports.model_card_sections import card_sections, card_title
from matsift.reports.page import render_template
from matsift.reports.small_tables import Table

_MEANT_AS_MARKUP = re.compile(r"([\\`*<>|\[\]])")


def card_markdown(card: ModelCard) -> str:
    """Return the card as Markdown with the tables of GitHub; the same card gives the same text."""
    blocks = [f"# Model card: {_safe(card_title(card))}"]
    for section in card_sections(card):
        blocks.append(f"## {section.title}")
        blocks += [_safe(note) for note in section.notes]
        for table in section.tables:
            blocks += [f"**{_safe(str(table.title))}**", _table(table)]
    return "\n\n".join(blocks) + "\n"


def card_html(card: ModelCard) -> str:
    """Return the card as one HTML page; the same card gives the same text."""
    return render_template("model_card.html.j2", title=card_title(card), study=card.study, sections=card_sections(card))


def _table(table: Table) -> str:
    rule = ["---:" if column.numeric else "---" for column in table.columns]
    rows = [[_safe(str(column.header)) for column in table.columns], rule]
    rows += [[_safe(str(cell)) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _safe(text: str) -> str:
    """Return a text of which Markdown shows every character as it is, in one line."""
    return _MEANT_AS_MARKUP.sub(r"\\\1", " ".join(text.split()))
