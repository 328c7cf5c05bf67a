# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole person: body, skin, clothes and hair, made at rest once and posed many times."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.sparse import csr_matrix

from .anatomy import Floats
from .bodies import BodyModel
from .clothes import Garment, Pattern, draw_outfit, dress
from .hair import draw_style, make_hair
from .looks import Look, draw_skin
from .mesh import Indices, Part
from .posing import Figure, Posed, make_figure
from .trunk_draw import personal_curve

_EYE_WHITE = np.array([[0.75, 0.72, 0.70], [0.03, 0.02, 0.015]])


@dataclass(frozen=True)
class Person:
    """A dressed body.

    Attributes:
        figure: The body.
        curve: (25, 3) the person's own standing curve, degrees.
        skin: Skin look.
        tone: Of the skin, on the Monk scale, 1 (lightest) to 10.
        skin_quads: Faces of skin that no clothes hide.
        tint: (V,) of the skin.
        outfit: What is worn.
        style: Hair style.
        shells: Clothes and hair at rest, with their skin weights.
    """

    figure: Figure
    curve: Floats
    skin: Look
    tone: float
    skin_quads: Indices
    tint: Floats
    outfit: list[Garment]
    style: str
    shells: list[tuple[Part, csr_matrix]]


def draw_person(model: BodyModel, pattern: Pattern, body_id: int, rng: Generator) -> Person:
    """Draw a person.

    Args:
        model: The body model.
        pattern: The pattern of clothes.
        body_id: Row of the bank.
        rng: Source of chance for all else.

    Returns:
        The person.
    """
    figure = make_figure(model, body_id)
    child = bool(figure.body.phenotype[1] < 0.55)
    outfit = draw_outfit(rng, covered=child)
    shells, hidden = dress(figure, model, pattern, outfit, rng)
    style = draw_style(rng)
    shells += make_hair(figure, model, style, rng)
    quads = model.quads["body"]
    seen = quads[~np.all(hidden[quads] > 0, axis=1)]
    rest = figure.body.vertices
    tint = np.clip(
        0.35 + 0.35 * np.sin(rest @ rng.normal(0, 9, 3)) + rng.normal(0, 0.05, len(rest)), 0, 1
    )
    curve, skin = personal_curve(rng), draw_skin(rng)
    return Person(figure, curve, *skin, seen, tint, outfit, style, shells)


def stand_up(person: Person, model: BodyModel, posed: Posed) -> list[Part]:
    """Make the parts of a posed person.

    Args:
        person: The person.
        model: The body model.
        posed: Their pose.

    Returns:
        Parts in the world.
    """
    rest = person.figure.body.vertices
    parts = [Part("skin", posed.vertices, person.skin_quads, rest, person.skin, person.tint)]
    eyes = np.concatenate([model.quads["left_eye"], model.quads["right_eye"]])
    white = Look("skin", _EYE_WHITE, roughness=0.2)
    front = np.zeros(len(rest))
    for name in ("left_eye", "right_eye"):
        rows = np.unique(model.quads[name])
        front[rows] = rest[rows, 1] < np.quantile(rest[rows, 1], 0.2)
    parts.append(Part("eyes", posed.vertices, eyes, rest, white, front))
    flat = posed.transforms.reshape(len(posed.transforms), 12)
    for shell, weights in person.shells:
        matrix = (weights @ flat).reshape(-1, 3, 4)
        moved = np.einsum("vij,vj->vi", matrix[:, :, :3], shell.vertices) + matrix[:, :, 3]
        parts.append(Part(shell.name, moved, shell.quads, shell.rest, shell.look, shell.tint))
    return parts
