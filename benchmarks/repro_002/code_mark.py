"""Which code made a result: a mark that comments and docstrings do not change."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from matsift import diffraction


def code_hash(modules: Iterable[str], package: ModuleType = diffraction) -> str:
    """Return eight characters that tell the code of some modules of a package from any other."""
    digest, folder = hashlib.sha256(), Path(str(package.__file__)).parent
    for name in modules:
        tree = ast.parse((folder / f"{name}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                node.body = [line for line in node.body if not _is_text(line)]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:8]


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
