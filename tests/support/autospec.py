"""Mocks of compiled classes that also hold the arguments of a call against what the class says of itself."""

from __future__ import annotations

import inspect
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock, create_autospec


def instance_of(kind: type, **attributes: Any) -> MagicMock:
    """A stand-in for an object of this class: what the class does not have, it does not have, neither to read, to call
    nor to set; and a method takes the arguments that its docstring lists.

    Args:
        kind: a class made by pybind11.
        attributes: values of properties, and return values of methods.
    """
    mock = create_autospec(kind, instance=True, spec_set=True)
    for name, value in attributes.items():
        if isinstance(getattr(kind, name), property):
            setattr(mock, name, value)
        else:
            getattr(mock, name).return_value = value
    for name in dir(kind):
        if not name.startswith("_") and callable(getattr(kind, name)):
            _hold(getattr(mock, name), getattr(kind, name).__doc__ or "")
    return mock


def _hold(method: MagicMock, doc: str) -> None:
    signatures = [found for line in doc.splitlines() if (found := _signature(line)) is not None]
    if not signatures:
        return

    def check(*given: Any, **named: Any) -> Any:
        failures = []
        for signature in signatures:
            try:
                signature.bind(None, *given, **named)
                return method.return_value
            except TypeError as error:
                failures.append(str(error))
        raise TypeError(f"{doc.splitlines()[0]}: {failures}")

    method.side_effect = check


def _signature(line: str) -> inspect.Signature | None:
    """Of ``1. name(self: T, a: X, b: Y = 1) -> Z``; None for other text."""
    _, found, rest = line.partition("(self: ")
    if not found or " -> " not in rest:
        return None
    parts, depth, part = [], 0, ""
    for character in f"self: {rest.rpartition(') -> ')[0]}":
        depth += (character in "([{<") - (character in ")]}>")
        if character == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += character
    parameters: list[inspect.Parameter] = []
    for text in [*parts, part]:
        name = text.partition(":")[0].strip()
        # pybind11 allows parameters without a default after such with one; Python's signatures do not.
        optional = "=" in text or (bool(parameters) and parameters[-1].default is None)
        default = None if optional else inspect.Parameter.empty
        parameters.append(inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default))
    return inspect.Signature(parameters)


class ModuleWith:
    """A module with some names replaced; all others are its own, and what it lacks is an AttributeError."""

    def __init__(self, module: ModuleType, **replaced: Any) -> None:
        self._module, self._replaced = module, replaced

    def __getattr__(self, name: str) -> Any:
        return self._replaced[name] if name in self._replaced else getattr(self._module, name)
