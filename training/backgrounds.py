# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies behind a body: photos, environment maps, rooms and fields of textures; never people."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from .anatomy import Floats
from .base import FrozenBase
from .camera import PICTURE_PX, Camera
from .errors import TrainingError
from .plates import PLATES, plate
from .scene import Light

Picture = NDArray[np.uint8]

_SKIMAGE: Final = (
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "motorcycle_left.png",
    "motorcycle_right.png",
)
_SKIMAGE_MORE: Final = ("hubble_deep_field.jpg", "coins.png", "moon.png", "retina.jpg")
_TEXTURES: Final = ("brick.png", "grass.png", "gravel.png")
_SKLEARN: Final = ("china.jpg", "flower.jpg")
"""Sample pictures without people of scikit-image and scikit-learn; licences in README.md."""


@dataclass(frozen=True)
class Backgrounds:
    """Ingredients of backgrounds.

    Attributes:
        photos: Name to picture, (H, W, 3) RGB.
        textures: Name to picture of a ground or wall.
        worlds: Environment maps, (H, W, 3) linear, as scene.world_maps.
    """

    photos: dict[str, Picture]
    textures: dict[str, Picture]
    worlds: list[NDArray[np.float32]]


def load_backgrounds(videos: Path, worlds: list[NDArray[np.float32]]) -> Backgrounds:
    """Read the ingredients.

    Args:
        videos: Folder with the permissive clips.
        worlds: Environment maps.

    Returns:
        The ingredients.

    Raises:
        TrainingError: If something is missing.
    """
    photos: dict[str, Picture] = {}
    textures: dict[str, Picture] = {}
    for package, folder, names in (
        ("skimage", "data", _SKIMAGE + _SKIMAGE_MORE + _TEXTURES),
        ("sklearn", "datasets/images", _SKLEARN),
    ):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            raise TrainingError(f"{package} is missing: install what training/README.md lists")
        for name in names:
            picture = cv2.imread(str(Path(spec.origin).parent / folder / name))
            if picture is None:
                raise TrainingError(f"{package} has no picture {name}: install the pinned version")
            rgb = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB), np.uint8)
            (textures if name in _TEXTURES else photos)[f"{package}/{name}"] = rgb
    base = FrozenBase(threads=1)
    for archive, member in PLATES:
        photos[member] = plate(base, videos / archive, member)
    return Backgrounds(photos, textures, worlds)


def draw_background(
    store: Backgrounds, camera: Camera, light: Light, body: Floats, rng: Generator
) -> tuple[Picture, str]:
    """Draw a background.

    Args:
        store: The ingredients.
        camera: The camera, for what has perspective.
        light: The light.
        body: (V, 3) skin, for the ground under it and its shadow.
        rng: Source of chance.

    Returns:
        (PICTURE_PX, PICTURE_PX, 3) RGB, and an id for splitting.
    """
    kind = rng.random()
    if kind < 0.30:
        names = list(store.photos)
        name = names[rng.integers(0, len(names))]
        return _photo(store.photos[name], rng), name
    if kind < 0.55:
        return _world(store.worlds[light.world], camera, light, rng), world_id(light.world)
    if kind < 0.95:
        return _room(store, camera, light, body, rng)
    low, high = rng.uniform(0, 255, (2, 3))
    ramp = np.linspace(0.0, 1.0, PICTURE_PX)[:, None, None]
    flat = (1 - ramp) * low + ramp * (0.5 * low + 0.5 * high) + np.zeros((1, PICTURE_PX, 1))
    return flat.astype(np.uint8), "plain"


def world_id(world: int) -> str:
    """Name of an environment map as a background."""
    return f"world/{world}"


def _photo(photo: Picture, rng: Generator) -> Picture:
    height, width = photo.shape[:2]
    side = int(min(height, width) * rng.uniform(0.35, 1.0))
    y, x = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
    cut = cv2.resize(photo[y : y + side, x : x + side], (PICTURE_PX, PICTURE_PX))
    if rng.random() < 0.5:
        cut = cut[:, ::-1]
    if rng.random() < 0.15:
        cut = np.rot90(cut)
    colour = rng.normal(1.0, 0.12, 3) * rng.uniform(0.5, 1.25)
    cut = np.clip(cut * colour, 0, 255).astype(np.uint8)
    if rng.random() < 0.5:
        cut = cv2.GaussianBlur(cut, (0, 0), float(rng.uniform(0.6, 4.0)))
    return np.ascontiguousarray(cut)


def _rays(camera: Camera) -> Floats:
    grid = np.arange(PICTURE_PX) + 0.5
    u, v = np.meshgrid(grid - camera.centre_px[0], grid - camera.centre_px[1])
    ray = np.stack([u, v, np.full_like(u, camera.focal_px)], axis=-1) @ camera.rotation
    return np.asarray(ray / np.linalg.norm(ray, axis=-1, keepdims=True))


def _world(world: NDArray[np.float32], camera: Camera, light: Light, rng: Generator) -> Picture:
    ray = _rays(camera)
    height, width = world.shape[:2]
    # Blender's equirectangular mapping, turned as the light is.
    around = np.arctan2(ray[..., 1], -ray[..., 0]) + light.turn
    x = ((around / (2 * np.pi) + 0.5) % 1.0 * width).astype(np.float32)
    y = ((0.5 - np.arcsin(np.clip(ray[..., 2], -1, 1)) / np.pi) * height).astype(np.float32)
    seen = cv2.remap(world, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    seen = np.clip(seen * light.strength * 2.0**light.exposure * rng.uniform(0.8, 1.3), 0, None)
    return np.asarray(255 * np.clip(seen, 0, 1) ** (1 / 2.2), np.uint8)


def _room(
    store: Backgrounds, camera: Camera, light: Light, body: Floats, rng: Generator
) -> tuple[Picture, str]:
    """A ground under the body and a wall, or the open, behind it."""
    ray = _rays(camera)
    ground = body[:, 2].min() - 0.01
    down = np.where(ray[..., 2] < -1e-3, (ground - camera.place[2]) / ray[..., 2], np.inf)
    down = np.where(down > 0, down, np.inf)
    ahead = -camera.place * [1.0, 1.0, 0.0]
    ahead /= np.linalg.norm(ahead) + 1e-9
    turn = rng.normal(0.0, 0.5)
    ahead = (
        np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        @ ahead
    )
    behind = float((body @ ahead).max()) + float(np.exp(rng.normal(0.3, 0.8)))
    towards = ray @ ahead
    wall = np.where(towards > 1e-3, (behind - camera.place @ ahead) / towards, np.inf)
    wall = np.where(wall > 0, wall, np.inf)
    on_ground = down < wall
    way = np.minimum(np.where(on_ground, down, wall), 60.0)
    hit = camera.place + ray * way[..., None]
    side = np.cross([0.0, 0.0, 1.0], ahead)
    floor, floor_id = _texture(store, rng)
    tiles, wall_id = _texture(store, rng)
    scale = rng.uniform(0.5, 4.0, 2)
    picture = np.where(
        on_ground[..., None],
        _sample(floor, hit[..., 0] / scale[0], hit[..., 1] / scale[0]),
        _sample(tiles, (hit @ side) / scale[1], -hit[..., 2] / scale[1]),
    )
    open_air = ~on_ground & ((way >= 60.0) | (rng.random() < 0.2))
    sky = _world(store.worlds[light.world], camera, light, rng)
    picture = np.where(open_air[..., None], sky, picture)
    shade = _shadow(body, hit, light, ground, rng)
    picture = picture * np.where(on_ground, shade, 1.0)[..., None]
    if rng.random() < 0.5:
        picture = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), float(rng.uniform(0.5, 2.5)))
    return np.clip(picture, 0, 255).astype(np.uint8), f"room/{floor_id}/{wall_id}"


def _texture(store: Backgrounds, rng: Generator) -> tuple[Picture, str]:
    kind = rng.random()
    if kind < 0.4:
        names = list(store.textures)
        name = names[rng.integers(0, len(names))]
        grey = store.textures[name].mean(axis=2, keepdims=True) / 255.0
    elif kind < 0.75:
        names = list(store.photos)
        name = names[rng.integers(0, len(names))]
        return store.photos[name], name
    else:
        name = "procedural"
        noise = gaussian_filter(
            rng.normal(0, 1, (128, 128)), float(rng.uniform(0.5, 6)), mode="wrap"
        )
        noise = 0.6 + 0.12 * noise / noise.std()
        lines = int(rng.choice([0, 4, 8, 16]))
        if lines:
            noise[:: 128 // lines] *= 0.7
            if rng.random() < 0.5:
                noise[:, :: 128 // lines] *= 0.7
        grey = np.clip(cv2.resize(noise, (512, 512))[..., None], 0, 1)
    colour = rng.uniform(40, 255, 3) * 0.4 + rng.uniform(40, 255) * 0.6
    return np.clip(grey * colour * 1.3, 0, 255).astype(np.uint8), name


def _sample(texture: Picture, u: Floats, v: Floats) -> Floats:
    height, width = texture.shape[:2]

    def fold(value: Floats, size: int) -> NDArray[np.float32]:
        folded = np.abs((value * 0.5 % 1.0) * 2.0 - 1.0) * (size - 1)
        return np.asarray(folded, np.float32)

    return cv2.remap(texture, fold(u, width), fold(v, height), cv2.INTER_LINEAR).astype(np.float64)


def _shadow(body: Floats, hit: Floats, light: Light, ground: float, rng: Generator) -> Floats:
    """Darkness of the ground: the body's shadow in the sun, and that of its closeness."""
    cell, size = 0.04, 160
    sun = light.sun if np.any(light.sun) else np.array([0.0, 0.0, -1.0])
    shade = np.ones(hit.shape[:2])
    for direction, blur, depth in (
        (sun, 0.8 + 20 * light.sun_size, 0.55 if np.any(light.sun) else 0.0),
        (np.array([0.0, 0.0, -1.0]), 5.0, 0.4),
    ):
        fall = (body[:, 2] - ground) / max(-direction[2], 0.15)
        place = body[:, :2] + direction[:2] * fall[:, None]
        weight = np.where(fall < 0.6, 1.0, 0.4) if depth == 0.4 else np.ones(len(body))
        index = np.floor(place / cell).astype(int) + size // 2
        ok = np.all((index >= 0) & (index < size), axis=1)
        grid = np.zeros((size, size))
        np.maximum.at(grid, (index[ok, 1], index[ok, 0]), weight[ok])
        grid = np.clip(gaussian_filter(grid, blur) * 1.6, 0, 1).astype(np.float32)
        x = (hit[..., 0] / cell + size / 2).astype(np.float32)
        y = (hit[..., 1] / cell + size / 2).astype(np.float32)
        dark = cv2.remap(grid, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        shade *= 1.0 - depth * rng.uniform(0.6, 1.0) * dark
    return shade
