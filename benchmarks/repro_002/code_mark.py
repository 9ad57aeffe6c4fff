"""Which code made a result: a mark that comments and docstrings do not change."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable
from pathlib import Path

from matsift import diffraction


def code_hash(modules: Iterable[str]) -> str:
    """Return eight characters that tell the code of some modules of `matsift.diffraction` from any other."""
    digest = hashlib.sha256()
    for name in modules:
        tree = ast.parse((Path(diffraction.__file__).parent / f"{name}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                node.body = [line for line in node.body if not _is_text(line)]
        digest.update(ast.dump(tree).encode())
    return digest.hexdigest()[:8]


def _is_text(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
