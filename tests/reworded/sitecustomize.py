"""Rewords every message of benchlab in each Python process that has this directory on PYTHONPATH.

Texts in the arguments of an error or of one of `CALLED`, and those that one of `NAMED` holds, go
through ROT13 as the module is loaded. A test checks that each of these names still has one.
"""

from __future__ import annotations

import ast
import codecs
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType
from typing import Any

CALLED = {"ConnectionProblem", "VerdictReason", "_bad_url", "_error", "_wrong", "error"}
"""What takes texts for people, besides the classes of errors."""

NAMED = {
    "NEVER_SENT",
    "NOT_CALIBRATED",
    "UNREADABLE",
    "_HELP",
    "_HINT",
    "_HINTS",
    "_PORTS",
    "_READ_ONLY",
    "_REMEDY",
    "_SETS",
    "_SPIKE_HINT",
    "_STAGES_HINT",
    "_STEPS_HINT",
    "hint",
    "message",
    "problem",
    "reason",
    "remedy",
    "text",
    "why",
    "wrong",
}
"""Arguments, variables and constants that hold such texts."""

DATA = {"field", "value", "where", "problem_kind"}


class Rewording(ast.NodeTransformer):
    """Finds the expressions that are read by people. ``found`` is where there were any."""

    def __init__(self) -> None:
        self.found: set[str] = set()

    def _reword(self, name: str, node: Any) -> Any:
        before = ast.dump(node)
        node = reworded(node)
        if ast.dump(node) != before:
            self.found.add(name)
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = node.func.id if isinstance(node.func, ast.Name) else called
        speaks = called in CALLED or called.endswith("Error")
        if speaks:
            skip = called == "VerdictReason"  # its first argument is the verdict
            node.args[skip:] = [self._reword(called, item) for item in node.args[skip:]]
        for item in node.keywords:
            name = item.arg or ""
            if name not in DATA and (speaks or name in NAMED):
                item.value = self._reword(name, item.value)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        target = node.targets[0]
        name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")
        if name in NAMED:
            node.value = self._reword(name, node.value)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        name = getattr(node.target, "id", getattr(node.target, "attr", ""))
        if name in NAMED and node.value is not None:
            node.value = self._reword(name, node.value)
        return node


def reworded(node: Any) -> Any:
    """The expression with other text in it; what it inserts or calls stays."""
    match node:
        case ast.Constant(value=str() as text):
            return ast.copy_location(ast.Constant(codecs.encode(text, "rot13")), node)
        case ast.JoinedStr():
            node.values = [reworded(item) for item in node.values]
        case ast.FormattedValue(value=ast.IfExp() | ast.JoinedStr()):
            node.value = reworded(node.value)
        case ast.IfExp():
            node.body, node.orelse = reworded(node.body), reworded(node.orelse)
        case ast.BinOp(op=ast.Add()):
            node.left, node.right = reworded(node.left), reworded(node.right)
        case ast.Dict():
            node.values = [reworded(item) for item in node.values]
    return node


class Loader(SourceFileLoader):
    """Compiles the reworded source, past the cache."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        tree = Rewording().visit(ast.parse(self.get_data(path), path))
        return compile(ast.fix_missing_locations(tree), path, "exec")


class Finder(MetaPathFinder):
    """Finds benchlab's modules where they are, and has them loaded by `Loader`."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] != "benchlab":
            return None
        found = (
            finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self
        )
        spec = next((item for item in found if item is not None), None)
        if spec is not None and type(spec.loader) is SourceFileLoader:
            spec.loader = Loader(spec.loader.name, spec.loader.path)
        return spec


if __name__ == "sitecustomize":  # as Python imports it when it starts
    sys.meta_path.insert(0, Finder())
