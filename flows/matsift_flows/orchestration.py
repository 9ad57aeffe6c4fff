"""How a flow or task is called: under Prefect when a Prefect API is configured, as a plain function otherwise.

Our database decides what is done, so a laptop needs no scheduler: docs/decisions/0002-prefect-when-asked.md.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")

from prefect import Flow, Task
from prefect.artifacts import create_markdown_artifact
from prefect.context import FlowRunContext
from prefect.settings import get_current_settings

from matsift_flows.logs import flow_logged
from matsift_flows.progress import Reporter

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")


def prefect_is_configured() -> bool:
    """Return whether runs shall be recorded by a Prefect API (`PREFECT_API_URL`, or a profile that names one)."""
    return get_current_settings().api.url is not None


def invoke(step: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Return what a flow or task returns, run by Prefect's engine only where a Prefect API is configured."""
    with _shown(step, args), _logged(step, args):
        if isinstance(step, Flow | Task) and not prefect_is_configured():
            return cast("R", step.fn(*args, **kwargs))
        return step(*args, **kwargs)


def _shown(step: object, args: tuple[object, ...]) -> AbstractContextManager[None]:
    """Return what shows on a terminal that a step goes on; nothing where the step has no workspace to say it."""
    reporter = getattr(args[0], "reporter", None) if args else None
    return reporter.busy(step.name) if isinstance(reporter, Reporter) and isinstance(step, Flow) else nullcontext()


def _logged(step: object, args: tuple[object, ...]) -> AbstractContextManager[None]:
    """Return what logs a flow and names it, and the study that is its second argument, in every line meanwhile."""
    if not isinstance(step, Flow):
        return nullcontext()
    return flow_logged(step.name, getattr(args[1], "name", None) if len(args) > 1 else None)


def keep_summary(key: str, title: str, facts: Mapping[str, object]) -> None:
    """Keep a table of what a run did beside the flow run, where a Prefect API records one; nowhere else.

    Parameters
    ----------
    key
        Name of the artifact, whose versions Prefect lists: lower-case letters, digits and dashes.
    title
        The line above the table.
    facts
        What is in the table, by its name.
    """
    if not prefect_is_configured() or FlowRunContext.get() is None:
        return
    rows = "\n".join(f"| {name} | {_in_a_cell(value)} |" for name, value in facts.items())
    create_markdown_artifact(f"## {title}\n\n| | |\n|---|---|\n{rows}\n", key=key, description=title)


def _in_a_cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


def inner_flow(name: str) -> Callable[[Callable[P, R]], Flow[P, R]]:
    """Return a decorator for flows that other flows call, under a name for Prefect; no form starts them.

    Prefect describes the types of a flow's parameters for such forms when the flow is defined, a tenth of a second each
    where one is a study; a flow that is deployed on its own takes Prefect's own decorator.
    """

    def decorate(function: Callable[P, R]) -> Flow[P, R]:
        signature = inspect.signature(function)
        plain = [parameter.replace(annotation=parameter.empty) for parameter in signature.parameters.values()]
        function.__signature__ = signature.replace(parameters=plain)  # type: ignore[attr-defined]
        return Flow(function, name=name, validate_parameters=False)

    return decorate
