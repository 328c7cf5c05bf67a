# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a moving rig for documents: its bones as solids, lit, seen by the scene's camera."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import bpy
import numpy as np
from mathutils import Vector

SAMPLES: Final = 12
WIDTH_M: Final = 0.014
WIDTH_OF_LENGTH: Final = 0.05
SPINE_RGB: Final = (1.0, 0.55, 0.02)
LEFT_RGB: Final = (0.05, 0.30, 0.9)
RIGHT_RGB: Final = (0.9, 0.16, 0.05)
MIDDLE_RGB: Final = (0.6, 0.6, 0.6)
FLOOR_RGB: Final = (0.24, 0.25, 0.27)
SKY_RGB: Final = (0.55, 0.6, 0.68)

_FACES: Final = (
    *((0, 1 + side, 1 + (side + 1) % 4) for side in range(4)),
    *((5, 1 + (side + 1) % 4, 1 + side) for side in range(4)),
)
"""Triangles of an octahedron: head, four corners, tail."""


def render_rig(
    scene: bpy.types.Scene,
    armature: bpy.types.Object,
    crops: Mapping[int, tuple[float, float, float, float]],
    folder: Path,
) -> Iterator[Path]:
    """Render a rig at some frames, bones as solids on a floor.

    Args:
        scene: The scene; solids, floor and light are added to it and stay.
        armature: The rig.
        crops: Scene frames, and for each the part of the picture wanted: left, top, right and
            bottom, 0..1.
        folder: Where the PNG files go.

    Yields:
        The file of each frame, once it is rendered.
    """
    _add_solids(scene, armature)
    _add_stage(scene)
    render = scene.render
    render.engine = "CYCLES"
    scene.cycles.samples = SAMPLES
    scene.view_settings.view_transform = "Standard"
    render.use_border = render.use_crop_to_border = True
    render.image_settings.file_format = "PNG"
    for frame, (left, top, right, bottom) in crops.items():
        scene.frame_set(frame)
        render.border_min_x, render.border_max_x = left, right
        render.border_min_y, render.border_max_y = 1.0 - bottom, 1.0 - top
        path = folder / f"rig_{frame:06d}.png"
        render.filepath = str(path)
        bpy.ops.render.render(write_still=True)
        yield path


def _add_solids(scene: bpy.types.Scene, armature: bpy.types.Object) -> None:
    vertices: list[Vector] = []
    faces: list[tuple[int, ...]] = []
    materials: list[int] = []
    groups: dict[str, list[int]] = {}
    colours = (SPINE_RGB, LEFT_RGB, RIGHT_RGB, MIDDLE_RGB)
    for bone in armature.data.bones:
        width = WIDTH_M + WIDTH_OF_LENGTH * bone.length
        corners = [(width, 0.0), (0.0, width), (-width, 0.0), (0.0, -width)]
        solid = [(0.0, 0.0, 0.0), *((x, width, z) for x, z in corners), (0.0, bone.length, 0.0)]
        first = len(vertices)
        groups[bone.name] = list(range(first, first + len(solid)))
        vertices += [bone.matrix_local @ Vector(corner) for corner in solid]
        faces += [tuple(first + corner for corner in face) for face in _FACES]
        materials += [colours.index(_colour(bone.name))] * len(_FACES)
    mesh = bpy.data.meshes.new("Bones")
    mesh.from_pydata(vertices, [], faces)
    for colour in colours:
        mesh.materials.append(_material(colour))
    mesh.polygons.foreach_set("material_index", np.array(materials, np.int32))
    solids = bpy.data.objects.new("Bones", mesh)
    scene.collection.objects.link(solids)
    solids.parent = armature
    for name, members in groups.items():
        solids.vertex_groups.new(name=name).add(members, 1.0, "REPLACE")
    solids.modifiers.new("Armature", "ARMATURE").object = armature


def _add_stage(scene: bpy.types.Scene) -> None:
    floor = bpy.data.meshes.new("Floor")
    floor.from_pydata([(-50, -50, 0), (50, -50, 0), (50, 50, 0), (-50, 50, 0)], [], [(0, 1, 2, 3)])
    floor.materials.append(_material(FLOOR_RGB))
    scene.collection.objects.link(bpy.data.objects.new("Floor", floor))
    sun = bpy.data.lights.new("Sun", "SUN")
    sun.energy, sun.angle = 3.0, 0.2
    light = bpy.data.objects.new("Sun", sun)
    light.rotation_euler = (0.7, 0.3, 0.4)
    scene.collection.objects.link(light)
    scene.world = bpy.data.worlds.new("Sky")
    scene.world.color = SKY_RGB


def _colour(bone: str) -> tuple[float, float, float]:
    if bone.startswith("spine_"):
        return SPINE_RGB
    return {".L": LEFT_RGB, ".R": RIGHT_RGB}.get(bone[-2:], MIDDLE_RGB)


def _material(colour: tuple[float, float, float]) -> bpy.types.Material:
    material = bpy.data.materials.new("Preview")
    material.diffuse_color = (*colour, 1.0)
    material.use_nodes = True
    material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = (*colour, 1.0)
    return material
