"""Rewords every message of benchlab in each Python process that has this directory on PYTHONPATH.

What is said in the arguments of an error, in a ``problem``, ``remedy``, ``reason`` or ``hint`` and
in a module's constant of that kind goes through ROT13 as the module is loaded.
"""

from __future__ import annotations

import ast
import codecs
import re
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from types import CodeType
from typing import Any

SPEAKS = re.compile(r"\w*(Error|Trouble|VerdictReason)|error|fail|_wrong|_bad_url")
NAMES = re.compile(
    r"_?(problem|remedy|reason|hint|text|words|why|wrong)s?|_\w*(HINT|HELP)S?|_SETS|_READ_ONLY"
)
DATA = {"field", "value", "where", "problem_kind"}


class Rewording(ast.NodeTransformer):
    """Finds the expressions that are read by people."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = node.func.id if isinstance(node.func, ast.Name) else called
        speaks = SPEAKS.fullmatch(called) is not None
        if speaks:
            skip = called == "VerdictReason"  # its first argument is the verdict
            node.args[skip:] = [reworded(item) for item in node.args[skip:]]
        for item in node.keywords:
            if (item.arg or "") not in DATA and (speaks or NAMES.fullmatch(item.arg or "")):
                item.value = reworded(item.value)
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        target = node.targets[0]
        name = target.id if isinstance(target, ast.Name) else getattr(target, "attr", "")
        if NAMES.fullmatch(name):
            node.value = reworded(node.value)
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        name = getattr(node.target, "id", getattr(node.target, "attr", ""))
        if NAMES.fullmatch(name) and node.value is not None:
            node.value = reworded(node.value)
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


sys.meta_path.insert(0, Finder())
