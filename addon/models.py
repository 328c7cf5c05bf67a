# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that others publish, as the panel and the preferences show them."""

import json
from typing import Final

import bpy

from ..inference.catalogue import CATALOGUE, PublishedModel
from ..inference.user_folder import user_folder

SHIPPED: Final = "SHIPPED"

POINT_MODELS: Final = tuple(model for model in CATALOGUE if model.family == "simcc")
"""Those that find the 37 points."""

EnumItem = tuple[str, str, str, int]

# Blender does not keep the strings of a list that a callback gives: they must be kept here.
_items: list[EnumItem] = []


def is_installed(model: PublishedModel) -> bool:
    """Tell whether a network was fetched or added.

    Args:
        model: Which.

    Returns:
        Whether the network and its record are there; the worker checks them when it opens them.
    """
    folder = user_folder("models")
    return (folder / model.file).is_file() and (folder / f"{model.name}.json").is_file()


def is_accepted(model: PublishedModel) -> bool:
    """Tell whether the user has accepted the terms of a network before.

    Args:
        model: Which.

    Returns:
        Whether the record says so; without one that can be read, the user is asked again.
    """
    try:
        accepted = json.loads((user_folder("models") / "licences.json").read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(accepted, dict) and str(model.terms) in accepted


def model_items(
    _settings: bpy.types.PropertyGroup, _context: bpy.types.Context | None
) -> list[EnumItem]:
    """List the networks that can be chosen: ours, and what is installed.

    Returns:
        Items of an enum; their numbers, which files keep, do not depend on what is installed.
    """
    _items[:] = [(SHIPPED, "Track Spine", "The network that comes with the extension", 0)]
    _items.extend(
        (model.name, model.name, str(model.terms), number)
        for number, model in enumerate(POINT_MODELS, 1)
        if is_installed(model)
    )
    return _items


def published(name: str) -> PublishedModel:
    """Find a network of the catalogue.

    Args:
        name: Its name.

    Returns:
        Its entry.

    Raises:
        KeyError: There is none.
    """
    return {model.name: model for model in CATALOGUE}[name]
