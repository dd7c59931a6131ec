"""Names of methods, learners and carried objects: how a string or a state file finds its class without an import."""

from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass
from types import NoneType, UnionType
from typing import Any

from .names import meant

__all__ = ["HOOKS", "REGISTRY", "from_record", "hook", "method_named", "register", "restored", "to_record"]

REGISTRY: dict[str, dict[str, Any]] = {"method": {}, "recipe": {}, "learner": {}, "bound": {}}
HOOKS: dict[str, Callable[..., Any]] = {}


def register(kind: str, classes: Iterable[Any]) -> None:
    """Enter classes under their names; methods under their names in lower case."""
    for cls in classes:
        REGISTRY[kind][cls.__name__.lower() if kind == "method" else cls.__name__] = cls


def hook(name: str) -> Callable[..., Any]:
    """A function that another room lends: ``problem`` (from A, b), ``auto`` (the learner behind it), ``memory`` (vetted),
    ``progress`` (a bar), ``report`` (the page of a session), ``page`` (that of a run's folder)."""
    return HOOKS[name]


def method_named(name: str) -> Any:
    """The method of that name with its default parameters.

    Raises
    ------
    ValueError
        Listing the names that exist.
    """
    try:
        return REGISTRY["method"][name.lower()]()
    except KeyError:
        known = ["auto", *sorted(REGISTRY["method"])]
        raise ValueError(f"no method is named {name!r}{meant(name, known)}; there are {', '.join(known)}") from None


def to_record(value: Any) -> Any:
    """A method, recipe or learner as JSON: its class name and its parameters."""
    if is_dataclass(value) and not isinstance(value, type):
        params = {f.name: to_record(getattr(value, f.name)) for f in fields(value) if f.init}
        return {"class": type(value).__name__, "params": params}
    if isinstance(value, tuple | list):
        return [to_record(v) for v in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"{type(value).__name__} cannot be saved: only numbers, strings and our own records can")


def from_record(value: Any) -> Any:
    """The inverse of ``to_record``.

    Raises
    ------
    ValueError
        For a class name that is not ours.
    """
    if isinstance(value, dict):
        name, params = str(value.get("class")), value.get("params")
        for kind in ("method", "recipe", "learner"):
            cls = REGISTRY[kind].get(name.lower() if kind == "method" else name)
            if cls is not None and isinstance(params, dict):
                allowed = {f.name for f in fields(cls) if f.init}
                if not set(params) <= allowed:
                    raise ValueError(f"{name} has no parameters {sorted(set(params) - allowed)}")
                kinds = {f.name: f.type for f in fields(cls)}
                made = {k: from_record(v) for k, v in params.items()}
                for key, value in made.items():
                    if not _fits(kinds[key], value):
                        raise ValueError(f"{name} cannot have {key}={value!r}")
                return cls(**made)
        raise ValueError(f"{name!r} is not a method, preconditioner or learner of resolvent")
    if isinstance(value, list):
        return tuple(from_record(v) for v in value)
    return value


def _fits(kind: Any, value: Any) -> bool:
    """Whether a parameter from a file is of the kind that its field says; what says nothing takes anything."""
    if isinstance(kind, UnionType):
        return any(_fits(k, value) for k in kind.__args__)
    if kind is float:
        return type(value) in (int, float) and value == value
    if kind in (int, bool, str):
        return type(value) is kind
    return value is None if kind is NoneType else True


def restored(record: dict[str, Any]) -> Any:
    """A carried object from its ``state_dict``: the recipe applied to the stored matrix again."""
    kind = record.get("bound")
    cls = REGISTRY["bound"].get(kind) if isinstance(kind, str) else None
    if cls is None:
        raise ValueError(f"{kind!r} is not a carried object of resolvent")
    return cls.from_state(record)
