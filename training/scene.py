# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws parts with Blender's path tracer: a small transparent picture in a third of a second."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .anatomy import Floats
from .camera import PICTURE_PX, Camera
from .errors import TrainingError
from .materials import make_material
from .mesh import Part

SAMPLES = 3


@dataclass(frozen=True)
class Light:
    """Light of a scene.

    Attributes:
        world: Index of the environment map.
        turn: Rotation of the map about the vertical, radians.
        strength: Its brightness.
        sun: (3,) direction the sun shines in, zero for none.
        sun_strength: Its brightness.
        sun_size: Angle of the sun's disc, radians: sharp to soft shadows.
        exposure: Of the film, stops.
        seed: Of the renderer's noise, so that no pattern is learned.
    """

    world: int
    turn: float
    strength: float
    sun: Floats
    sun_strength: float
    sun_size: float
    exposure: float
    seed: int


def world_maps() -> list[Path]:
    """Environment maps that come with Blender (CC0, see their license.txt)."""
    root = Path(bpy.utils.resource_path("LOCAL")) / "datafiles" / "studiolights" / "world"
    maps = sorted(root.glob("*.exr"))
    if not maps:
        raise TrainingError(f"no environment maps in {root}: install bpy==4.5.15")
    return maps


def read_map(path: Path) -> NDArray[np.float32]:
    """Read an environment map: (H, W, 3) linear RGB, top row first."""
    image = bpy.data.images.load(str(path), check_existing=True)
    pixels = np.empty(len(image.pixels), np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(image.size[1], image.size[0], -1)[::-1, :, :3]


def draw_light(worlds: int, rng: Generator) -> Light:
    """Draw a light: an environment, and a sun or lamp in two of three scenes."""
    sun = rng.normal(0.0, 1.0, 3)
    sun[2] = -abs(sun[2]) - 0.3
    with_sun = rng.random() < 0.65
    return Light(
        int(rng.integers(0, worlds)),
        float(rng.uniform(0.0, 2 * np.pi)),
        float(np.exp(rng.normal(-0.1, 0.3))),
        sun / np.linalg.norm(sun) if with_sun else np.zeros(3),
        float(np.exp(rng.uniform(np.log(0.4), np.log(4.0)))),
        float(rng.choice([0.01, 0.2, 0.8])),
        float(rng.normal(0.0, 0.35)),
        int(rng.integers(0, 2**20)),
    )


class Stage:
    """Blender's scene, kept between pictures.

    Attributes:
        scratch: Folder for the picture that Blender writes.
    """

    def __init__(self, scratch: Path, photos: list[NDArray[np.uint8]]) -> None:
        """Set up an empty scene.

        Args:
            scratch: Folder for the picture that Blender writes.
            photos: Pictures for printed cloth, (H, W, 3) RGB.
        """
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.scratch = scratch
        self._scene = bpy.context.scene
        self._settings()
        camera = bpy.data.cameras.new("camera")
        self._camera = bpy.data.objects.new("camera", camera)
        self._scene.collection.objects.link(self._camera)
        self._scene.camera = self._camera
        sun = bpy.data.lights.new("sun", "SUN")
        self._sun = bpy.data.objects.new("sun", sun)
        self._scene.collection.objects.link(self._sun)
        self._maps = [bpy.data.images.load(str(path), check_existing=True) for path in world_maps()]
        self._world()
        self._photos = [_to_image(f"photo{row}", photo) for row, photo in enumerate(photos)]

    def draw(self, parts: list[Part], camera: Camera, light: Light) -> NDArray[np.uint8]:
        """Render.

        Args:
            parts: Pieces in the world.
            camera: The camera.
            light: The light.

        Returns:
            (PICTURE_PX, PICTURE_PX, 4) RGBA, straight alpha.
        """
        made = [self._add(part) for part in parts]
        self._aim(camera)
        self._shine(light)
        left, top, right, bottom = self._border(parts, camera)
        path = self.scratch / "frame.png"
        self._scene.render.filepath = str(path)
        with _quiet():
            bpy.ops.render.render(write_still=True)
        for thing in made:
            mesh = thing.data
            material = mesh.materials[0]
            bpy.data.objects.remove(thing)
            bpy.data.meshes.remove(mesh)
            bpy.data.materials.remove(material)
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        if picture is None or picture.shape != (bottom - top, right - left, 4):
            raise TrainingError(f"Blender wrote no usable picture to {path}: is the disk full?")
        whole = np.zeros((PICTURE_PX, PICTURE_PX, 4), np.uint8)
        whole[top:bottom, left:right] = cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA)
        return whole

    def _border(self, parts: list[Part], camera: Camera) -> tuple[int, int, int, int]:
        """Render only where the parts are: half the time goes with the empty rest."""
        places = np.concatenate([part.vertices for part in parts])
        places = places[camera.see(places)[:, 2] > 0.05]
        pixels = camera.project(places)
        low = np.clip(np.floor(pixels.min(axis=0)) - 4, 0, PICTURE_PX - 16).astype(int)
        high = np.clip(np.ceil(pixels.max(axis=0)) + 4, low + 16, PICTURE_PX).astype(int)
        render = self._scene.render
        render.border_min_x, render.border_max_x = low[0] / PICTURE_PX, high[0] / PICTURE_PX
        render.border_min_y = 1.0 - high[1] / PICTURE_PX
        render.border_max_y = 1.0 - low[1] / PICTURE_PX
        return int(low[0]), int(low[1]), int(high[0]), int(high[1])

    def _settings(self) -> None:
        scene = self._scene
        scene.render.engine = "CYCLES"
        scene.cycles.device = "CPU"
        scene.cycles.samples = SAMPLES
        scene.cycles.use_adaptive_sampling = False
        scene.cycles.use_denoising = True
        scene.cycles.denoiser = "OPENIMAGEDENOISE"
        scene.cycles.denoising_input_passes = "RGB_ALBEDO"
        scene.cycles.denoising_prefilter = "NONE"
        scene.cycles.denoising_quality = "FAST"
        scene.cycles.max_bounces = 2
        scene.cycles.diffuse_bounces = 1
        scene.cycles.glossy_bounces = 1
        scene.cycles.transmission_bounces = 0
        scene.cycles.sample_clamp_direct, scene.cycles.sample_clamp_indirect = 6.0, 3.0
        scene.cycles.caustics_reflective = False
        scene.cycles.caustics_refractive = False
        scene.render.film_transparent = True
        scene.render.resolution_x = scene.render.resolution_y = PICTURE_PX
        scene.render.resolution_percentage = 100
        scene.render.use_border = scene.render.use_crop_to_border = True
        scene.render.threads_mode = "FIXED"
        scene.render.threads = 1
        scene.render.image_settings.file_format = "PNG"
        scene.render.image_settings.color_mode = "RGBA"
        scene.render.image_settings.compression = 0
        scene.view_settings.view_transform = "Standard"

    def _world(self) -> None:
        world = bpy.data.worlds.new("world")
        world.use_nodes = True
        self._scene.world = world
        nodes, links = world.node_tree.nodes, world.node_tree.links
        self._environment = nodes.new("ShaderNodeTexEnvironment")
        self._turn = nodes.new("ShaderNodeMapping")
        place = nodes.new("ShaderNodeTexCoord")
        links.new(place.outputs["Generated"], self._turn.inputs["Vector"])
        links.new(self._turn.outputs["Vector"], self._environment.inputs["Vector"])
        self._shade = nodes["Background"]
        links.new(self._environment.outputs["Color"], self._shade.inputs["Color"])
        world.cycles.sampling_method = "NONE"

    def _add(self, part: Part) -> Any:
        mesh = bpy.data.meshes.new(part.name)
        mesh.vertices.add(len(part.vertices))
        mesh.vertices.foreach_set("co", part.vertices.astype(np.float32).ravel())
        triangle = part.quads[:, 2] == part.quads[:, 3]
        sizes = np.where(triangle, 3, 4)
        keep = np.ones(part.quads.shape, bool)
        keep[triangle, 3] = False
        mesh.loops.add(int(sizes.sum()))
        mesh.loops.foreach_set("vertex_index", part.quads[keep].astype(np.int32))
        mesh.polygons.add(len(sizes))
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        mesh.polygons.foreach_set("loop_start", starts.astype(np.int32))
        mesh.polygons.foreach_set("use_smooth", np.ones(len(sizes), bool))
        rest = mesh.attributes.new("rest", "FLOAT_VECTOR", "POINT")
        rest.data.foreach_set("vector", part.rest.astype(np.float32).ravel())
        tint = mesh.attributes.new("tint", "FLOAT", "POINT")
        tint.data.foreach_set("value", part.tint.astype(np.float32))
        mesh.update(calc_edges=True)
        mesh.materials.append(make_material(part.look, self._photos))
        thing = bpy.data.objects.new(part.name, mesh)
        self._scene.collection.objects.link(thing)
        return thing

    def _aim(self, camera: Camera) -> None:
        right, down, ahead = camera.rotation
        matrix = np.eye(4)
        matrix[:3, :3] = np.column_stack([right, -down, -ahead])
        matrix[:3, 3] = camera.place
        self._camera.matrix_world = matrix.T.tolist()  # column by column
        lens = self._camera.data
        lens.sensor_fit, lens.sensor_width = "HORIZONTAL", 36.0
        lens.lens = camera.focal_px * 36.0 / PICTURE_PX
        lens.shift_x = (PICTURE_PX / 2 - camera.centre_px[0]) / PICTURE_PX
        lens.shift_y = (camera.centre_px[1] - PICTURE_PX / 2) / PICTURE_PX
        lens.clip_start, lens.clip_end = 0.05, 200.0

    def _shine(self, light: Light) -> None:
        self._environment.image = self._maps[light.world]
        self._turn.inputs["Rotation"].default_value = (0.0, 0.0, light.turn)
        self._shade.inputs["Strength"].default_value = light.strength
        self._scene.view_settings.exposure = light.exposure
        self._scene.cycles.seed = light.seed
        lamp = self._sun.data
        on = bool(np.any(light.sun))
        lamp.energy = light.sun_strength if on else 0.0
        lamp.angle = light.sun_size
        ahead = light.sun if on else np.array([0.0, 0.0, -1.0])
        side = np.cross(ahead, [0.3, 0.9, 0.1])
        side /= np.linalg.norm(side)
        matrix = np.eye(4)
        matrix[:3, :3] = np.column_stack([side, np.cross(-ahead, side), -ahead])
        self._sun.matrix_world = matrix.T.tolist()  # column by column


@contextmanager
def _quiet() -> Iterator[None]:
    """Blender writes a dozen lines a picture straight to the process's output."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(nowhere)
        os.close(kept)


def _to_image(name: str, photo: NDArray[np.uint8]) -> Any:
    small = cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA)
    image = bpy.data.images.new(name, 256, 256)
    rgba = np.ones((256, 256, 4), np.float32)
    rgba[..., :3] = small[::-1] / 255.0
    image.pixels.foreach_set(rgba.ravel())
    image.update()
    return image
