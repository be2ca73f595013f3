"""The source of a probe function in, names of outputs that it asks for in any case out; what is in doubt is left out.

A name that is missed here is still told when the probe runs; one that is claimed wrongly would refuse a good program.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

_ALWAYS: Final[dict[type[ast.stmt], str]] = {
    ast.If: "test",
    ast.While: "test",
    ast.Assert: "test",
    ast.For: "iter",
    ast.Match: "subject",
}
"""The part of a branching statement that is evaluated whatever its value."""
_DEFERRED: Final = (ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_REPEATED: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def certain_outputs(function: ast.FunctionDef) -> frozenset[str]:
    """Constants that subscribe `context.outputs` (or a variable that is nothing else) where no condition stands before.

    `context` is the function's first parameter, whatever it is called. An output that the function also looks for by
    `in` or `.get` is left out: it knows that it may not be there.
    """
    arguments = [*function.args.posonlyargs, *function.args.args]
    if not arguments:
        return frozenset()
    context = arguments[0].arg
    spellings = {context + ".outputs", *_aliases(function, context)}
    certain = {name for node in _certain(function.body) for name in _subscript(node, spellings)}
    doubted = {name for node in ast.walk(function) for name in _asked_for(node, spellings)}
    return frozenset(certain - doubted)


def _aliases(function: ast.FunctionDef, context: str) -> set[str]:
    """Variables that are bound once, to `context.outputs`."""
    bound: dict[str, int] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound[node.id] = bound.get(node.id, 0) + 1
    found = set()
    for node in function.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            for name, value in _pairs(node.targets[0], node.value):
                if isinstance(name, ast.Name) and ast.unparse(value) == f"{context}.outputs" and bound[name.id] == 1:
                    found.add(name.id)
    return found


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        yield from zip(target.elts, value.elts, strict=True)
    else:
        yield target, value


def _certain(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Nodes that are evaluated whenever the function is called and nothing fails before."""
    for statement in body:
        if isinstance(statement, ast.With):
            if not any("suppress" in ast.unparse(item.context_expr) for item in statement.items):
                for item in statement.items:
                    yield from _evaluated(item.context_expr)
                yield from _certain(statement.body)
        elif type(statement) in _ALWAYS:
            yield from _evaluated(getattr(statement, _ALWAYS[type(statement)]))
        elif not isinstance(statement, ast.Try | ast.TryStar):
            yield from _evaluated(statement)
        if any(isinstance(node, ast.Return) for node in ast.walk(statement)):
            return  # a probe may pass here without what follows; an exception is no way to pass


def _evaluated(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, _DEFERRED):
        return
    yield node
    if isinstance(node, _REPEATED):
        yield from _evaluated(node.generators[0].iter)
    elif isinstance(node, ast.IfExp):
        yield from _evaluated(node.test)
    elif isinstance(node, ast.BoolOp):
        yield from _evaluated(node.values[0])
    else:
        for child in ast.iter_child_nodes(node):
            yield from _evaluated(child)


def _subscript(node: ast.AST, spellings: set[str]) -> Iterator[str]:
    if (
        isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
        and ast.unparse(node.value) in spellings
    ):
        yield node.slice.value


def _asked_for(node: ast.AST, spellings: set[str]) -> Iterator[str]:
    """Constants of `"name" in context.outputs` and `context.outputs.get("name")`."""
    if isinstance(node, ast.Compare):
        words = [one.value for one in (node.left, *node.comparators) if isinstance(one, ast.Constant)]
        if any(ast.unparse(one) in spellings for one in node.comparators):
            yield from (word for word in words if isinstance(word, str))
    elif (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and ast.unparse(node.func.value) in spellings
    ):
        yield from (one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str))
