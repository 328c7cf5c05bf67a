# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file remembers of Track Spine: the settings of the next run and the report of the last."""

import bpy


def _is_armature(_settings: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    return candidate.type == "ARMATURE"


class TRACKSPINE_PG_settings(bpy.types.PropertyGroup):
    """Settings of a scene."""

    clip: bpy.props.PointerProperty(
        name="Clip",
        description="Movie clip to track",
        type=bpy.types.MovieClip,
    )
    subject_height: bpy.props.FloatProperty(
        name="Subject Height",
        description="Standing height of the person in the clip, which gives the motion its scale",
        default=1.7,
        min=0.01,
        soft_min=1.0,
        soft_max=2.1,
        precision=3,
        subtype="DISTANCE",
        unit="LENGTH",
    )
    use_subject_point: bpy.props.BoolProperty(
        name="Pick Person",
        description="Follow the person who passes a point of the picture, not the most prominent",
    )
    subject_point: bpy.props.FloatVectorProperty(
        name="Point",
        description="Point of the picture in pixels from its top left corner",
        size=2,
        min=0.0,
        precision=0,
        step=100,
        subtype="COORDINATES",
    )
    target: bpy.props.PointerProperty(
        name="Armature",
        description="Armature to animate. Empty animates the selected one, or makes a new one",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    last_report: bpy.props.StringProperty(
        name="Last Run",
        description="What the last run found in the clip and added to the file",
    )
    last_take: bpy.props.StringProperty(
        name="Take",
        description="Folder that keeps what the last run computed",
        subtype="DIR_PATH",
    )
