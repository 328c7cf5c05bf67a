# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file remembers of Track Spine: the settings of the next run and the report of the last."""

import bpy

from .models import model_items


def _is_armature(_settings: bpy.types.PropertyGroup, candidate: bpy.types.Object) -> bool:
    return candidate.type == "ARMATURE"


class TRACKSPINE_PG_settings(bpy.types.PropertyGroup):
    """Settings of a scene."""

    clip: bpy.props.PointerProperty(
        name="Clip",
        description="Movie clip to track",
        type=bpy.types.MovieClip,
    )
    source: bpy.props.EnumProperty(
        name="Footage",
        description="What the person is seen in",
        items=(
            ("CLIP", "Clip", "A movie clip or image sequence, which the worker reads by itself"),
            (
                "RENDER",
                "Rendered",
                "What F12 renders in this scene, frame by frame: strips of the Video Sequencer, "
                "or the scene's camera",
            ),
        ),
    )
    part: bpy.props.EnumProperty(
        name="Part",
        description="Which frames are tracked",
        items=(
            ("ALL", "Whole Clip", "All of the clip; of rendered frames, the scene's range"),
            ("SCENE", "Scene Range", "From the scene's start frame to its end frame"),
            ("FRAMES", "Frames", "From one frame of the timeline to another"),
            ("SECONDS", "Seconds", "From one time in the clip to another"),
        ),
    )
    part_frames: bpy.props.IntVectorProperty(
        name="Frames",
        description="First and last frame, counted as the timeline does",
        size=2,
        default=(1, 250),
    )
    part_seconds: bpy.props.FloatVectorProperty(
        name="Seconds",
        description="Where the part begins and where it ends, from the beginning of the clip",
        size=2,
        default=(0.0, 10.0),
        min=0.0,
        soft_max=600.0,
        precision=2,
    )
    sequence_rate: bpy.props.FloatProperty(
        name="Frame Rate",
        description="Pictures a second of an image sequence. 0 takes the scene's frame rate",
        default=0.0,
        min=0.0,
        soft_max=240.0,
        precision=3,
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
    people: bpy.props.EnumProperty(
        name="People",
        description="Who is tracked",
        items=(
            ("ONE", "One Person", "The most prominent person, or the one that is picked"),
            ("ALL", "Everybody", "Up to eight people, an armature each"),
        ),
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
    subject_frame: bpy.props.IntProperty(
        name="In Frame",
        description="Frame of the timeline in which the person is at the point: tracking begins "
        "there. With one before the clip, it begins when somebody first passes the point",
    )
    target: bpy.props.PointerProperty(
        name="Armature",
        description="Armature to animate. Empty animates the selected one, or makes a new one",
        type=bpy.types.Object,
        poll=_is_armature,
    )
    filmed_by: bpy.props.EnumProperty(
        name="Camera",
        description="Which camera the footage was filmed by",
        items=(
            (
                "NEW",
                "New Camera",
                "At rest, its lens told by the file or estimated: one is added where it was",
            ),
            (
                "CLIP",
                "New Camera, Clip's Lens",
                "At rest, with focal length, sensor and distortion of the clip's tracking settings",
            ),
            (
                "SCENE",
                "Scene Camera",
                "The scene's own, with its lens, floor and, where tracked or animated, its path",
            ),
        ),
    )
    model: bpy.props.EnumProperty(
        name="Model",
        description="Network that finds the points. More are in the preferences of Track Spine",
        items=model_items,
    )
    last_engine: bpy.props.StringProperty(
        name="Computed By",
        description="What the last run computed with, and why not with something better",
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
