# SPDX-License-Identifier: GPL-3.0-or-later
"""One training picture with its labels, from one source of chance."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .anatomy import Floats
from .backgrounds import Backgrounds, draw_background, load_backgrounds, world_id
from .bodies import GROUPS, BodyModel, load_bank
from .camera import Camera, draw_camera
from .clothes import Pattern, make_pattern
from .mesh import Part
from .motions import Motion, load_motions
from .people import Person, draw_person, stand_up
from .picture import compose, spoil, to_jpeg
from .poses import draw_pose, with_curve
from .posing import Posed, put_on
from .props import draw_props
from .rotations import UP, about
from .scene import Light, Stage, draw_light, read_map, world_maps
from .splits import background_aside, bodies_aside, clip_aside
from .strike import strike
from .visibility import visibility

IMAGES_PER_BODY = 4


@dataclass(frozen=True)
class Studio:
    """All that the pictures are made of, loaded once a process.

    Attributes:
        model: Body model and bank.
        pattern: Pattern of clothes.
        motions: Motion capture.
        backgrounds: Ingredients of backgrounds.
        stage: Blender's scene.
        faces: Faces of the body as plain lists, for casting rays.
        bodies: Rows of the bank to draw from.
        lights: Rows of the environment maps to draw from.
    """

    model: BodyModel
    pattern: Pattern
    motions: list[Motion]
    backgrounds: Backgrounds
    stage: Stage
    faces: list[list[int]]
    bodies: NDArray[np.int64]
    lights: NDArray[np.int64]


@dataclass(frozen=True)
class Sample:
    """A picture and its labels.

    Attributes:
        jpeg: The picture, PICTURE_PX square.
        xy_px: (37, 2) pixels, origin at the top-left corner of the top-left pixel.
        xyz_m: (37, 3) metres, camera axes.
        visible: (37,) codes of visibility.
        focal_px: Focal length.
        centre_px: (2,) principal point.
        world_from_camera: (4, 4).
        pelvis: (3, 3) rotation of the pelvis from standing, world.
        spine_deg: (25, 3) flexion, lateral bend, axial turn of each joint from the body's rest.
        body: (12,) phenotype and stature.
        body_id: Row of the bank.
        tone: Of the skin, on the Monk scale, 1 (lightest) to 10.
        strings: source, subject, clip, background, clothes.
        frame: Frame of the clip.
    """

    jpeg: bytes
    xy_px: Floats
    xyz_m: Floats
    visible: NDArray[np.int8]
    focal_px: float
    centre_px: Floats
    world_from_camera: Floats
    pelvis: Floats
    spine_deg: Floats
    body: Floats
    body_id: int
    tone: float
    strings: tuple[str, str, str, str, str]
    frame: int


def open_studio(
    bank: Path, mocap: Path, videos: Path, scratch: Path, *, aside: bool = False
) -> Studio:
    """Load everything.

    Args:
        bank: The bank of bodies.
        mocap: Folder of motion archives.
        videos: Folder of permissive clips.
        scratch: Folder for Blender's picture.
        aside: Only what splits.py keeps aside, so that every picture is for the test.

    Returns:
        The studio.
    """
    model = load_bank(bank)
    backgrounds = load_backgrounds(videos, [read_map(path) for path in world_maps()])
    faces = model.quads["body"].tolist()
    stage = Stage(scratch, list(backgrounds.photos.values()))
    bodies, lights = np.arange(len(model.phenotypes)), np.arange(len(backgrounds.worlds))
    motions = load_motions(mocap)
    studio = Studio(model, make_pattern(model), motions, backgrounds, stage, faces, bodies, lights)
    return only_aside(studio) if aside else studio


def only_aside(studio: Studio) -> Studio:
    """Leave in a studio what is kept aside; prints on cloth stay, they are no background.

    Args:
        studio: With everything.

    Returns:
        One that draws nothing that is trained on.
    """
    photos = studio.backgrounds.photos
    kept = {name: photo for name, photo in photos.items() if background_aside(name)}
    new_light = [background_aside(world_id(int(row))) for row in studio.lights]
    return replace(
        studio,
        motions=[one for one in studio.motions if clip_aside(one.source, one.clip)],
        backgrounds=replace(studio.backgrounds, photos=kept),
        bodies=studio.bodies[bodies_aside(studio.bodies)],
        lights=studio.lights[new_light],
    )


def draw_samples(studio: Studio, body_id: int, count: int, rng: Generator) -> list[Sample]:
    """Draw pictures of one dressed body.

    Args:
        studio: The studio.
        body_id: Row of the bank.
        count: How many pictures.
        rng: Source of chance.

    Returns:
        The samples.
    """
    person = draw_person(studio.model, studio.pattern, body_id, rng)
    return [_draw(studio, person, rng) for _ in range(count)]


def _draw(studio: Studio, person: Person, rng: Generator) -> Sample:
    model, figure = studio.model, person.figure
    drawn, posed = strike(figure, person.curve, model, studio.motions, rng)
    first, last = GROUPS["body"]
    skin = posed.vertices[first:last]
    camera = draw_camera(posed.points, float(skin[:, 2].min()), figure.body.stature_m, rng)
    others = draw_props(figure, model, posed, drawn.subject, camera, rng)
    crowd = _crowd(studio, posed, camera, rng)
    light = _light(studio, rng)
    parts = stand_up(person, model, posed) + others + crowd
    front = studio.stage.draw(parts, camera, light)
    back, background = draw_background(studio.backgrounds, camera, light, skin[::4], rng)
    jpeg = to_jpeg(spoil(compose(front, back, rng), rng), rng)
    scale = figure.body.stature_m / 1.7
    seen = visibility(posed.points, camera, posed.vertices, studio.faces, others + crowd, scale)
    clothes = "+".join([garment.kind for garment in person.outfit] + [person.style])
    return Sample(
        jpeg,
        camera.project(posed.points),
        camera.see(posed.points),
        seen,
        camera.focal_px,
        camera.centre_px,
        _world_from_camera(camera),
        drawn.pose.root,
        drawn.pose.spine_deg,
        np.append(figure.body.phenotype, figure.body.stature_m),
        figure.body.id,
        person.tone,
        (drawn.source, drawn.subject, drawn.clip, background, clothes),
        drawn.frame,
    )


def _light(studio: Studio, rng: Generator) -> Light:
    light = draw_light(len(studio.lights), rng)
    return replace(light, world=int(studio.lights[light.world]))


def _crowd(studio: Studio, posed: Posed, camera: Camera, rng: Generator) -> list[Part]:
    """Another person beside, behind or before the body in one picture of seven."""
    if rng.random() > 0.14:
        return []
    body = int(studio.bodies[rng.integers(len(studio.bodies))])
    other = draw_person(studio.model, studio.pattern, body, rng)
    pose = with_curve(draw_pose(studio.motions, rng).pose, other.curve)
    stranger = put_on(other.figure, studio.model, pose)
    away = (posed.points.mean(axis=0) - camera.place) * [1.0, 1.0, 0.0]
    reach = float(np.linalg.norm(away))
    away /= reach
    depth = rng.uniform(0.5, 3.0) if rng.random() < 0.7 else -rng.uniform(0.35, 0.5) * reach
    side = about(UP, 90.0) @ away * rng.choice([-1.0, 1.0])
    apart = rng.uniform(0.1, 1.0) if depth > 0 else rng.uniform(0.3, 0.8)
    shift = away * depth + side * apart
    shift[2] = posed.vertices[:13380, 2].min() - stranger.vertices[:13380, 2].min()
    turn = about(UP, float(rng.uniform(0, 360)))
    return [
        replace(part, vertices=part.vertices @ turn.T + shift)
        for part in stand_up(other, studio.model, stranger)
    ]


def _world_from_camera(camera: Camera) -> Floats:
    matrix = np.eye(4)
    matrix[:3, :3] = camera.rotation.T
    matrix[:3, 3] = camera.place
    return matrix
