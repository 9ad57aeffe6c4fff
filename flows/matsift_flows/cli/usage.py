"""A command line that cannot be understood, told in one sentence that says what was probably meant."""

from __future__ import annotations

import re

import typer

from matsift.suggestions import meant

_HELP_ENDS = ".\n"


def is_help(error: typer.TyperException) -> bool:
    """Return whether the command was called without arguments, so that its help was printed already."""
    return type(error).__name__ == "NoArgsIsHelpError"


def sentence(error: typer.TyperException) -> str:
    """Return one sentence on an unknown verb, an unknown option, a missing or an unusable argument."""
    context: typer.Context | None = getattr(error, "ctx", None)
    path = "matsift" if context is None else context.command_path
    return f"{_problem(error, context)}; see `{path} --help`"


def _problem(error: typer.TyperException, context: typer.Context | None) -> str:
    option = getattr(error, "option_name", None)
    if option is not None and type(error).__name__ == "NoSuchOption":
        return f"there is no option {option!r}{meant(option, _options(context))}"
    said = " ".join(error.format_message().split()).rstrip(_HELP_ENDS)
    verb = re.match(r"No such command '(?P<verb>.*?)'(?:\. Did you mean .*)?$", said)
    if verb is not None:
        return f"there is no verb {verb['verb']!r}{meant(verb['verb'], _verbs(context))}"
    return said[:1].lower() + said[1:]


def _options(context: typer.Context | None) -> list[str]:
    if context is None:
        return []
    return [name for parameter in context.command.params for name in parameter.opts if name.startswith("-")]


def _verbs(context: typer.Context | None) -> list[str]:
    return [] if context is None else list(getattr(context.command, "commands", {}))
