# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file remembers of how motion goes onto rigs."""

from math import radians
from typing import Final

import bpy

from ..rigging.retarget import Retargeting
from .keyframes import Tolerance
from .placement import Placement

_LAYERS = (
    ("NONE", "New Action", "An action of its own; the earlier one stays in the file"),
    ("REPLACE", "Layer, Replacing", "An NLA strip that replaces parts of what is there"),
    ("ADD", "Layer, Added", "An NLA strip that is added onto what is there"),
)
_SHARE: Final = {"default": 1.0, "min": 0.0, "max": 1.5, "subtype": "FACTOR"}
_REGIONS = (
    ("root", "Root", "Pelvis and travel"),
    ("spine", "Spine", "The back"),
    ("neck", "Neck", "Neck and head"),
    ("arms", "Arms", "Arms and collar bones"),
    ("legs", "Legs", "Legs and feet"),
)


class TRACKSPINE_PG_role(bpy.types.PropertyGroup):
    """A row of the table of bones."""

    role: bpy.props.StringProperty(name="Part", description="Part of the body")
    bone: bpy.props.StringProperty(name="Bone", description="The bone that plays it")
    certainty: bpy.props.FloatProperty(
        name="Certainty", description="How sure the guess is", subtype="FACTOR", min=0.0, max=1.0
    )
    alternatives: bpy.props.StringProperty(
        name="Alternatives", description="Other bones that might play the part"
    )


class TRACKSPINE_PG_rig(bpy.types.PropertyGroup):
    """How motion goes onto rigs, settings of a scene."""

    layer: bpy.props.EnumProperty(
        name="Put It",
        description="Where the motion goes on the armature",
        items=_LAYERS,
    )
    regions: bpy.props.EnumProperty(
        name="Parts",
        description="Parts of the body that the layer moves",
        items=_REGIONS,
        options={"ENUM_FLAG"},
        default={"spine", "neck"},
    )
    from_first: bpy.props.BoolProperty(
        name="From First Frame",
        description="Add the change from the first frame on, not from the rest pose",
    )
    keep_stages: bpy.props.BoolProperty(
        name="Keep Stages",
        description="Also keep the motion before smoothing, on a muted NLA track",
    )
    reduce: bpy.props.BoolProperty(
        name="Fewer Keys",
        description="Leave out keys that the ones around them already say",
    )
    angle_error: bpy.props.FloatProperty(
        name="Rotation Error",
        description="Largest error of a bone's rotation that leaving out keys may cost",
        default=radians(0.5),
        min=0.0,
        max=radians(10.0),
        subtype="ANGLE",
    )
    location_error: bpy.props.FloatProperty(
        name="Location Error",
        description="Largest error of a bone's location that leaving out keys may cost",
        default=0.002,
        min=0.0,
        soft_max=0.1,
        precision=4,
        subtype="DISTANCE",
        unit="LENGTH",
    )
    lumbar: bpy.props.FloatProperty(
        name="Lumbar", description="How much of the lower back's bending is taken over", **_SHARE
    )
    thoracic: bpy.props.FloatProperty(
        name="Thoracic", description="How much of the upper back's bending is taken over", **_SHARE
    )
    cervical: bpy.props.FloatProperty(
        name="Cervical", description="How much of the neck's bending is taken over", **_SHARE
    )
    ik_arms: bpy.props.BoolProperty(
        name="IK Arms", description="Key IK controls of the arms, on rigs that have them"
    )
    ik_legs: bpy.props.BoolProperty(
        name="IK Legs", description="Key IK controls of the legs, on rigs that have them"
    )
    hands_reach: bpy.props.FloatProperty(
        name="Hands Reach",
        description="Bring the hands where the person's were, whatever the rig's arms measure",
        min=0.0,
        max=1.0,
        subtype="FACTOR",
    )
    plant_feet: bpy.props.BoolProperty(
        name="Plant Feet",
        description="Keep feet on the floor where the person's stood",
        default=True,
    )
    table_of: bpy.props.PointerProperty(
        name="Table Of", description="The armature whose table this is", type=bpy.types.Object
    )
    table: bpy.props.CollectionProperty(
        name="Bones", description="Which bone plays which part", type=TRACKSPINE_PG_role
    )
    table_family: bpy.props.StringProperty(
        name="Kind", description="The kind of rig that the bones look like"
    )
    table_notes: bpy.props.StringProperty(name="Notes", description="What to look at")


def chosen_retargeting(scene: bpy.types.Scene) -> Retargeting:
    """Read how motion is fitted to rigs.

    Args:
        scene: The scene.

    Returns:
        What the panel says.
    """
    settings = scene.track_spine_rig
    return Retargeting(
        lumbar=settings.lumbar,
        thoracic=settings.thoracic,
        cervical=settings.cervical,
        ik_arms=settings.ik_arms,
        ik_legs=settings.ik_legs,
        hands_reach=settings.hands_reach,
        plant_feet=settings.plant_feet,
    )


def chosen_placement(scene: bpy.types.Scene) -> Placement:
    """Read what the panel says.

    Args:
        scene: The scene.

    Returns:
        Where motion goes.
    """
    settings = scene.track_spine_rig
    tolerance = Tolerance(settings.angle_error, settings.location_error)
    return Placement(
        layer=settings.layer,
        regions=frozenset(settings.regions),
        from_first=settings.from_first,
        keep_stages=settings.keep_stages,
        tolerance=tolerance if settings.reduce else None,
    )
