"""Nothing that others gave is run as code: no eval, no pickle, no shell strings in any wing; see `EXCEPTIONS`."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WINGS = ("platform", "schema", "flows", "adapters")

#: (file, call) -> why it may be there.
EXCEPTIONS = {
    ("platform/matsift/execution/dask_worker.py", "pickle.loads"): (
        "what our own pool sent over Dask, whose workers run whatever code their scheduler sends anyway"
    ),
}

#: Run code that stands in a text or in a file; nobody needs a second look at how they are called.
_NEVER = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "subprocess.getoutput", "runpy.run_path"}
_NEVER |= {"subprocess.getstatusoutput", "asyncio.create_subprocess_shell", "code.interact", "importlib.reload"}
_UNPICKLING = {"load", "loads", "Unpickler", "open"}
_PICKLES = ("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve")


def _says(call: ast.Call, name: str, wanted: object) -> bool:
    return any(k.arg == name and isinstance(k.value, ast.Constant) and k.value.value is wanted for k in call.keywords)


def _has(call: ast.Call, name: str) -> bool:
    return any(k.arg in {name, None} for k in call.keywords)


#: What depends on the arguments: name of the function -> whether a call of it is refused.
_UNLESS: dict[str, Callable[[ast.Call], bool]] = {
    "torch.load": lambda call: not _says(call, "weights_only", wanted=True),
    "numpy.load": lambda call: _has(call, "allow_pickle") and not _says(call, "allow_pickle", wanted=False),
    "numpy.save": lambda call: _has(call, "allow_pickle") and not _says(call, "allow_pickle", wanted=False),
    "yaml.load": lambda _: True,
    "yaml.unsafe_load": lambda _: True,
    "yaml.full_load": lambda _: True,
    "pandas.read_pickle": lambda _: True,
}


def _imported(tree: ast.AST) -> dict[str, str]:
    """Return local name -> whole name of everything that a file imports."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {
                (a.asname or a.name.partition(".")[0]): a.name if a.asname else a.name.partition(".")[0]
                for a in node.names
            }
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {(a.asname or a.name): f"{node.module}.{a.name}" for a in node.names}
    return found


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return None if before is None else f"{before}.{node.attr}"
    return None


def _is_refused(name: str, call: ast.Call) -> bool:
    room, _, last = name.partition(".")
    if name in _NEVER or (room in _PICKLES and last in _UNPICKLING):
        return True
    if room == "subprocess" and any(k.arg == "shell" for k in call.keywords) and not _says(call, "shell", wanted=False):
        return True
    return name in _UNLESS and _UNLESS[name](call)


def refused_calls(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and whole name of every call that is refused; a local name is followed to what it was imported as."""
    tree = ast.parse(source)
    imported = _imported(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (said := _dotted(node.func)) is not None:
            first, dot, rest = said.partition(".")
            name = f"{imported.get(first, first)}{dot}{rest}"
            if _is_refused(name, node):
                yield node.lineno, name


def test_no_wing_runs_what_others_gave() -> None:
    files = [path for wing in WINGS for path in sorted((ROOT / wing).rglob("*.py"))]
    assert len(files) > 300
    found = {
        (path.relative_to(ROOT).as_posix(), name): line
        for path in files
        for line, name in refused_calls(path.read_text(encoding="utf-8"))
    }
    assert {key: line for key, line in found.items() if key not in EXCEPTIONS} == {}


def test_no_exception_is_left_over() -> None:
    for file, name in EXCEPTIONS:
        path = ROOT / file
        assert path.exists(), file
        assert name in {found for _, found in refused_calls(path.read_text(encoding="utf-8"))}


@pytest.mark.parametrize(
    "line",
    [
        "eval('1')",
        "exec(text)",
        "import pickle; pickle.load(file)",
        "import pickle as p; p.loads(content)",
        "from pickle import loads as read; read(content)",
        "import torch; torch.load(path)",
        "import torch; torch.load(path, weights_only=False)",
        "import numpy as np; np.load(path, allow_pickle=True)",
        "import numpy as np; np.load(path, **how)",
        "import subprocess; subprocess.run(line, shell=True)",
        "from subprocess import run; run(line, shell=wanted)",
        "import os; os.system(line)",
        "import yaml; yaml.load(text, Loader=yaml.Loader)",
        "import joblib; joblib.load(path)",
        "import pandas as pd; pd.read_pickle(path)",
    ],
)
def test_refused(line: str) -> None:
    assert len(list(refused_calls(line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "network.eval()",
        "import pickle; pickle.dumps(thing)",
        "import torch; torch.load(path, weights_only=True)",
        "import numpy as np; np.load(path)",
        "import numpy as np; np.load(path, allow_pickle=False)",
        "import subprocess; subprocess.run(['ls', folder], check=True)",
        "import yaml; yaml.safe_load(text)",
        "import re; re.compile(pattern)",
        "import json; json.load(file)",
    ],
)
def test_not_refused(line: str) -> None:
    assert list(refused_calls(line)) == []
