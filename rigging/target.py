# SPDX-License-Identifier: GPL-3.0-or-later
"""A rig as plain data, and the keys for it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from .errors import RigError
from .matching import Roles
from .rotation import Bools, Floats, continuous


@dataclass(frozen=True, eq=False)
class TargetRig:
    """A rig in its rest pose, as plain data.

    Attributes:
        bones: B bone names.
        parents: (B,) index of each bone's parent, -1 for none.
        rest: (B, 4, 4) rest matrices in armature space (Blender's `Bone.matrix_local`).
        length: (B,) bone lengths in armature units.
        world_from_armature: (4, 4) the armature object's world matrix, uniformly scaled.
        roles: What the bones are.
        inherits: (B,) whether a bone turns with its parent; None where all do.
        local_location: (B,) whether a bone's location is along its own axes, else along those of
            its parent, or of the armature where it has none; None where all are.
        connected: (B,) whether a bone begins where its parent ends and cannot be moved away; None
            where none is.
        bendy: (B, 2) whether start and end of a bendy bone are free, so that nothing else bends
            them; None where no bone is bendy.
        ease: (B, 2) a bendy bone's ease at start and end; None for 1.
    """

    bones: tuple[str, ...]
    parents: npt.NDArray[np.int64]
    rest: Floats
    length: Floats
    world_from_armature: Floats
    roles: Roles
    inherits: Bools | None = None
    local_location: Bools | None = None
    connected: Bools | None = None
    bendy: Bools | None = None
    ease: Floats | None = None

    def __post_init__(self) -> None:
        """Check that the parts fit together.

        Raises:
            RigError: A shape is wrong, a bone with a role is missing, or the object is scaled
                unevenly or mirrored.
        """
        count = len(self.bones)
        shapes = [(count,), (count, 4, 4), (count,), (4, 4)]
        arrays = (self.parents, self.rest, self.length, self.world_from_armature)
        if [array.shape for array in arrays] != shapes:
            raise RigError(f"The arrays of a rig of {count} bones must have shapes {shapes}.")
        self._check_options(count)
        unknown = sorted(self.roles.needed() - set(self.bones))
        if unknown:
            raise RigError(f"The rig lacks bones that have a role: {', '.join(unknown)}.")
        linear = self.world_from_armature[:3, :3]
        square = linear.T @ linear
        even = np.allclose(
            square, np.eye(3) * square.trace() / 3.0, rtol=0.0, atol=1e-3 * square.trace()
        )
        volume = np.linalg.det(self.rest[:, :3, :3])
        flat = [bone for bone, v in zip(self.bones, volume, strict=True) if not v > 1e-12]
        if flat:
            raise RigError(
                f"{len(flat)} bones have no size or are mirrored at rest: {', '.join(flat[:5])}. "
                "Delete or straighten them in edit mode."
            )
        if not even or np.linalg.det(linear) <= 0.0:
            raise RigError(
                "The armature object is scaled unevenly, mirrored or flat. "
                "Apply its scale, then try again."
            )

    def _check_options(self, count: int) -> None:
        """Check the shapes of what need not be given."""
        each = dict.fromkeys(("inherits", "local_location", "connected"), (count,))
        for name, shape in (each | dict.fromkeys(("bendy", "ease"), (count, 2))).items():
            array = getattr(self, name)
            if array is not None and array.shape != shape:
                raise RigError(f"{name} of a rig of {count} bones must have shape {shape}.")


@dataclass(frozen=True, eq=False)
class PoseMotion:
    """Keys for the bones of a rig; rows of frames that are not valid are NaN.

    Attributes:
        bones: Names of the bones that move.
        time_s: (T,) seconds.
        rotation_basis: (T, B, 4) rotations relative to rest (Blender's `PoseBone.matrix_basis`),
            signs continuous.
        root_bone: Name of the bone that travels; empty when none does.
        location_basis: (T, 3) its location relative to rest, in its own axes and armature units.
        valid: (T,) False where nothing is known.
        properties: Properties that are set, by bone and name (Rigify's FK/IK switches, the stretch
            of IK): (T,) values, or one for the whole clip.
        locations: (T, 3) locations like `location_basis` of other bones that travel, such as IK
            controls, by bone.
        handles: (T, 6) how bendy bones bend, by bone: curve in x and z, roll in, curve out x and z,
            roll out (Blender's `PoseBone.bbone_curveinx` and so on); armature units and radians.
        notes: What the user should know.
    """

    bones: tuple[str, ...]
    time_s: Floats
    rotation_basis: Floats
    root_bone: str
    location_basis: Floats
    valid: Bools
    properties: Mapping[tuple[str, str], Floats | float] = field(default_factory=dict)
    locations: Mapping[str, Floats] = field(default_factory=dict)
    handles: Mapping[str, Floats] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def travels(self) -> dict[str, Floats]:
        """Give the locations (T, 3) of all bones that travel, the root among them."""
        root = {self.root_bone: self.location_basis} if self.root_bone else {}
        return {**root, **self.locations}

    def joined_by(
        self, rotations: Mapping[str, Floats], locations: Mapping[str, Floats]
    ) -> "PoseMotion":
        """Give the same motion with more bones: rotations (T, 4) and locations (T, 3) by bone."""
        if not rotations:
            return replace(self, locations={**self.locations, **locations})
        more = continuous(np.stack(list(rotations.values()), axis=1))
        return replace(
            self,
            bones=(*self.bones, *rotations),
            rotation_basis=np.concatenate([self.rotation_basis, more], axis=1),
            locations={**self.locations, **locations},
        )

    def turning_only(self, bones: Collection[str]) -> "PoseMotion":
        """Give the same motion with the rotations of some of its bones only."""
        kept = [b for b, bone in enumerate(self.bones) if bone in bones]
        return replace(
            self,
            bones=tuple(self.bones[b] for b in kept),
            rotation_basis=self.rotation_basis[:, kept],
        )
