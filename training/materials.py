# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns a Look into a Blender material; patterns follow the piece's shape at rest."""

from typing import Any

import bpy

from .looks import Look


def make_material(look: Look, photos: list[Any]) -> Any:
    """Make a material.

    Args:
        look: The surface.
        photos: Blender images for prints.

    Returns:
        The material.
    """
    material = bpy.data.materials.new(look.kind)
    material.use_nodes = True
    tree = material.node_tree
    shader = tree.nodes["Principled BSDF"]
    shader.inputs["Roughness"].default_value = look.roughness
    rest = tree.nodes.new("ShaderNodeAttribute")
    rest.attribute_name = "rest"
    place = rest.outputs["Vector"]
    mix = tree.nodes.new("ShaderNodeMix")
    mix.data_type = "RGBA"
    first, second = (item for item in mix.inputs if item.type == "RGBA")
    for socket, colour in zip((first, second), look.colours, strict=True):
        socket.default_value = (*colour.tolist(), 1.0)
    colour = next(item for item in mix.outputs if item.type == "RGBA")
    factor = mix.inputs[0]
    factor.default_value = 0.0
    if look.kind == "skin":
        tint = tree.nodes.new("ShaderNodeAttribute")
        tint.attribute_name = "tint"
        tree.links.new(tint.outputs["Fac"], factor)
    elif look.kind == "hair":
        tree.links.new(_noise(tree, _stretched(tree, place), 14.0), factor)
    elif look.pattern == "print" and photos:
        image = tree.nodes.new("ShaderNodeTexImage")
        image.image = photos[int(look.photo * len(photos)) % len(photos)]
        tree.links.new(_mapped(tree, place, look.scale / 12.0, look.angle), image.inputs["Vector"])
        colour = image.outputs["Color"]
    elif look.pattern != "solid":
        tree.links.new(_pattern(tree, place, look), factor)
    tree.links.new(colour, shader.inputs["Base Color"])
    if look.bump > 0.0:
        _bump(tree, place, look, shader)
    return material


def _mapped(tree: Any, place: Any, scale: float, angle: float) -> Any:
    node = tree.nodes.new("ShaderNodeMapping")
    node.inputs["Scale"].default_value = (scale, scale, scale)
    node.inputs["Rotation"].default_value = (1.5708, angle, 0.0)
    tree.links.new(place, node.inputs["Vector"])
    return node.outputs["Vector"]


def _stretched(tree: Any, place: Any) -> Any:
    node = tree.nodes.new("ShaderNodeMapping")
    node.inputs["Scale"].default_value = (8.0, 8.0, 0.8)
    tree.links.new(place, node.inputs["Vector"])
    return node.outputs["Vector"]


def _noise(tree: Any, place: Any, scale: float) -> Any:
    node = tree.nodes.new("ShaderNodeTexNoise")
    node.inputs["Scale"].default_value = scale
    node.inputs["Detail"].default_value = 1.0
    tree.links.new(place, node.inputs["Vector"])
    return node.outputs[0]


def _pattern(tree: Any, place: Any, look: Look) -> Any:
    where = _mapped(tree, place, look.scale, look.angle)
    if look.pattern == "stripes":
        node = tree.nodes.new("ShaderNodeTexWave")
        node.inputs["Scale"].default_value = 0.35
        node.inputs["Distortion"].default_value = 0.0
        tree.links.new(where, node.inputs["Vector"])
        return _step(tree, node.outputs[1], 0.5, 0.54)
    if look.pattern == "checks":
        node = tree.nodes.new("ShaderNodeTexChecker")
        node.inputs["Scale"].default_value = 1.0
        tree.links.new(where, node.inputs["Vector"])
        return node.outputs[1]
    if look.pattern == "dots":
        node = tree.nodes.new("ShaderNodeTexVoronoi")
        node.inputs["Scale"].default_value = 1.0
        tree.links.new(where, node.inputs["Vector"])
        return _step(tree, node.outputs["Distance"], 0.32, 0.36)
    if look.pattern == "camouflage":
        return _step(tree, _noise(tree, where, 0.5), 0.48, 0.52)
    return _noise(tree, where, 6.0)


def _step(tree: Any, value: Any, low: float, high: float) -> Any:
    node = tree.nodes.new("ShaderNodeMapRange")
    node.inputs["From Min"].default_value = low
    node.inputs["From Max"].default_value = high
    tree.links.new(value, node.inputs["Value"])
    return node.outputs[0]


def _bump(tree: Any, place: Any, look: Look, shader: Any) -> None:
    node = tree.nodes.new("ShaderNodeBump")
    node.inputs["Strength"].default_value = look.bump
    node.inputs["Distance"].default_value = 0.02
    where = _stretched(tree, place) if look.kind == "hair" else place
    height = _noise(tree, where, 30.0 if look.kind != "hair" else 25.0)
    tree.links.new(height, node.inputs["Height"])
    tree.links.new(node.outputs["Normal"], shader.inputs["Normal"])
