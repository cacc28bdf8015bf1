"""What may stand at a path of the configuration, read off the models: the keys of a map, and the path's shape.

A shape is a path without the names that the file itself defines.
"""

from types import NoneType
from typing import Any, get_args, get_origin

from edge_router.config.faults import Path
from edge_router.config.models import Config
from edge_router.config.not_built import KEYS
from edge_router.config.values import Section


def shape_of(path: Path) -> str:
    """Write a path as the table of what is not built does: `dial_peers[].incoming[].uri`, `trunks.*.keepalive`."""
    return _follow(path)[0]


def keys_at(path: Path) -> frozenset[str]:
    """Give the keys that the map at this path may have, those that are not built yet included."""
    shape, annotation = _follow(path)
    fields = _fields(annotation) if _is_section(annotation) else ()
    return frozenset(fields) | KEYS.get(shape, frozenset())


def is_not_built(path: Path) -> bool:
    """Tell whether the key at the end of this path is one that this version can't do yet."""
    return path[-1] in KEYS.get(shape_of(path[:-1]), frozenset())


# `Any` in here: what a type is written with (a class, a union, an alias) has no better type of its own.


def _follow(path: Path) -> tuple[str, Any]:
    shape: str = ""
    annotation: Any = Config
    for part in path:
        inside = get_args(annotation)
        if _is_section(annotation):
            field = _fields(annotation).get(str(part))
            shape, annotation = f"{shape}.{part}", _container(field.annotation) if field else None
        elif get_origin(annotation) is dict:
            shape, annotation = f"{shape}.*", _container(inside[1])
        elif get_origin(annotation) is tuple:
            shape, annotation = f"{shape}[]", _container(inside[0])
    return shape.removeprefix("."), annotation


def _fields(section: Any) -> Any:
    """Give the fields of a model by the keys that the file has."""
    return {field.alias or name: field for name, field in section.model_fields.items()}


def _container(annotation: Any) -> Any:
    """Take the model, map or list out of `X | None` and `Annotated[X, ...]`."""
    if _is_section(annotation) or get_origin(annotation) in (dict, tuple):
        return annotation
    found = [_container(inner) for inner in get_args(annotation) if inner is not NoneType]
    return next((inner for inner in found if inner is not None), None)


def _is_section(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, Section)
