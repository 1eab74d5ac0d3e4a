"""Which functions a command runs through, found from calls and type annotations.

A call is followed to the function that it names, and a method call to the class that annotations give its object:
parameters, fields, return values, local variables. Calls through a port end at the protocol, so adapters are no part
of the path; a callable that is handed in as a value is not followed.
"""

from __future__ import annotations

import ast
from collections import deque
from collections.abc import Iterable, Iterator, Mapping

from tests.docs.source_tree import Module

_Function = ast.FunctionDef | ast.AsyncFunctionDef


Place = tuple[str, str]
"""Module and qualified name of a function or class."""


class Calls:
    """The functions and classes of a program, and who calls whom."""

    def __init__(self, found: Iterable[Module]) -> None:
        self._modules = {module.name: module for module in found}
        self._imported = {name: dict(_bindings(module.tree)) for name, module in self._modules.items()}
        self._nodes: dict[Place, ast.AST] = {}
        for name, module in self._modules.items():
            for node in module.tree.body:
                if isinstance(node, _Function | ast.ClassDef):
                    self._nodes[name, node.name] = node
                if isinstance(node, ast.ClassDef):
                    for member in node.body:
                        if isinstance(member, _Function):
                            self._nodes[name, f"{node.name}.{member.name}"] = member

    def find(self, name: str, *, package: str = "") -> list[Place]:
        """Return the functions of this qualified name, in modules of a package."""
        return [place for place in self._nodes if place[1] == name and place[0].startswith(package)]

    def hops(self, starts: Iterable[Place]) -> dict[Place, int]:
        """Return each function that is reached, with the least number of calls until it."""
        found = dict.fromkeys(starts, 0)
        waiting = deque(found)
        while waiting:
            place = waiting.popleft()
            for called in self._called(place):
                if called not in found:
                    found[called] = found[place] + 1
                    waiting.append(called)
        return found

    def _called(self, place: Place) -> Iterator[Place]:
        function = self._nodes[place]
        if not isinstance(function, _Function):
            return
        variables = self._variables(place, function)
        for node in ast.walk(function):
            called = node.func if isinstance(node, ast.Call) else node
            if isinstance(called, ast.Name | ast.Attribute):
                target = self._target(place[0], variables, called)
                found = self._nodes.get(target) if target else None
                # A property is called by its name alone.
                is_called = isinstance(node, ast.Call) or _is_property(found)
                if target is not None and is_called and isinstance(found, _Function):
                    yield target

    def _variables(self, place: Place, function: _Function) -> dict[str, Place]:
        """Return the classes of parameters and local variables."""
        module, owner = place[0], place[1].rpartition(".")[0]
        found: dict[str, Place] = {"self": (module, owner)} if owner else {}
        for argument in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs):
            kind = self._annotated(module, argument.annotation)
            if kind is not None:
                found[argument.arg] = kind
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                kind = self._type(module, found, node.value)
                if kind is not None:
                    found.setdefault(node.targets[0].id, kind)
        return found

    def _target(self, module: str, variables: Mapping[str, Place], node: ast.expr) -> Place | None:
        """Return the function or class that an expression names."""
        if isinstance(node, ast.Name):
            return self._named(module, node.id)
        if not isinstance(node, ast.Attribute):
            return None
        if isinstance(node.value, ast.Name) and node.value.id not in variables:
            source = self._imported[module].get(node.value.id)
            if source in self._modules:
                return self._named(source, node.attr)
        owner = self._type(module, variables, node.value)
        if owner is None:
            return None
        method = (owner[0], f"{owner[1]}.{node.attr}")
        return method if method in self._nodes else None

    def _type(self, module: str, variables: Mapping[str, Place], node: ast.expr) -> Place | None:
        """Return the class of an expression's value."""
        match node:
            case ast.Await(value=value):
                return self._type(module, variables, value)
            case ast.Name(id=name):
                return variables.get(name)
            case ast.Call(func=func):
                target = self._target(module, variables, func)
                called = self._nodes.get(target) if target else None
                if isinstance(called, ast.ClassDef):
                    return target
                return (
                    self._annotated(target[0], called.returns)
                    if target and isinstance(called, _Function)
                    else None
                )
            case ast.Attribute(value=value, attr=attribute):
                owner = self._type(module, variables, value)
                return self._attribute(owner, attribute) if owner else None
            case _:
                return None

    def _attribute(self, owner: Place, name: str) -> Place | None:
        node = self._nodes.get(owner)
        for member in node.body if isinstance(node, ast.ClassDef) else ():
            if (
                isinstance(member, ast.AnnAssign)
                and isinstance(member.target, ast.Name)
                and member.target.id == name
            ):
                return self._annotated(owner[0], member.annotation)
            if isinstance(member, _Function) and member.name == name and _is_property(member):
                return self._annotated(owner[0], member.returns)
        return None

    def _annotated(self, module: str, annotation: ast.expr | None) -> Place | None:
        """Return the class that an annotation names, the first one of a union."""
        match annotation:
            case ast.Name(id=name):
                place = self._named(module, name)
                return place if place and isinstance(self._nodes[place], ast.ClassDef) else None
            case ast.BinOp(left=left, right=right):
                return self._annotated(module, left) or self._annotated(module, right)
            case ast.Constant(value=str(text)):
                return self._annotated(module, ast.parse(text, mode="eval").body)
            case _:
                return None

    def _named(self, module: str, name: str) -> Place | None:
        """Return what a name in a module stands for, through the packages that pass it on."""
        seen = set()
        while (module, name) not in self._nodes:
            source = self._imported.get(module, {}).get(name)
            if source is None or source in seen:
                return None
            seen.add(source)
            module, _, name = source.rpartition(".")
        return module, name


def _bindings(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield local name -> dotted name, for imports anywhere in the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name, alias.name) for alias in node.names)


def _is_property(node: ast.AST | None) -> bool:
    return isinstance(node, _Function) and any(
        ast.unparse(each).rpartition(".")[2] in {"property", "cached_property"}
        for each in node.decorator_list
    )
