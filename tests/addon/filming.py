# SPDX-License-Identifier: GPL-3.0-or-later
"""A person filmed by known cameras: clips, takes, and what the scene's camera shows of the rig."""

import contextlib
from fractions import Fraction
from pathlib import Path

import av
import bpy
import numpy as np
from bpy_extras.object_utils import world_to_camera_view
from mathutils import Matrix
from track_spine.addon.scene_camera import BLENDER_CAMERA_AXES
from track_spine.inference.keypoints import NAMES

from .conftest import SIDE_JOINTS

FRAMES = 40
LEVEL = np.array([[1.0, 0, 0, 0], [0, 0, 1.0, 0], [0, -1.0, 0, 0], [0, 0, 0, 1.0]])
"""Camera axes of one that looks along +Y, level."""


def write_clip(path: Path, size_px, rate=25, turned=0, aspect=1):
    """Write a grey film; `aspect` is of its pixels, `turned` a flag of degrees."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height = size_px
        stream.pix_fmt, stream.codec_context.sample_aspect_ratio = "yuv420p", Fraction(aspect)
        if turned:
            stream.set_display_rotation(turned)
        for number in range(FRAMES):
            picture = np.full((size_px[1], size_px[0], 3), number * 6, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def walk_round(count=FRAMES, back_m=6.0, high_m=1.6):
    """(T, 4, 4) a camera that goes round the person by 2.7 m, rises, and turns with it."""
    share = np.linspace(0.0, 1.0, count)
    angle = -0.45 * share
    places = np.tile(LEVEL, (count, 1, 1))
    c, s, none = np.cos(angle), np.sin(angle), np.zeros(count)
    turn = np.stack([c, -s, none, s, c, none, none, none, none + 1.0], -1).reshape(-1, 3, 3)
    tilt = np.array([[1, 0, 0], [0, np.cos(0.1), np.sin(0.1)], [0, -np.sin(0.1), np.cos(0.1)]])
    places[:, :3, :3] = turn @ tilt @ LEVEL[:3, :3]
    places[:, :2, 3] = turn[:, :2, :2] @ np.array([0.0, -back_m])
    places[:, 2, 3] = high_m + 0.25 * np.sin(6.0 * share)
    return places


def feet_m(xyz_m):
    """How high the lowest feet (T, K, 3) are above 0, as `floor_share` counts."""
    rows = [NAMES.index(f"{side}_big_toe") for side in ("left", "right")]
    lowest = np.fmin.reduce(xyz_m[:, rows, 2], axis=1)
    return float(np.nanmedian([np.nanmin(lowest[a : a + 13]) for a in (0, 13, 30)]))


def seen_from(places, xyz_m):
    """World points (T, ..., 3) in the axes of cameras (T, 4, 4)."""
    flat = xyz_m.reshape(len(places), -1, 3)
    seen = np.einsum("tji,tkj->tki", places[:, :3, :3], flat - places[:, None, :3, 3])
    return seen.reshape(xyz_m.shape)


def write_take(path, lifted_file, places, focal_px, size_px, larger=1.0):
    """Write a take as the worker leaves it, to which every camera is at rest.

    Args:
        path: lifted.npz to write.
        lifted_file: A take of the person in the true world, of 40 frames.
        places: (40, 4, 4) where the camera was above the floor that the feet are on.
        focal_px: Its focal length.
        size_px: Width and height of the upright footage.
        larger: By how much the height given is too large.

    Returns:
        (40, K, 2) pixels of the key points; (40, K, 3) the same in the world, feet at 0.
    """
    with np.load(lifted_file) as file:
        arrays = dict(file)
    xyz_m = arrays["xyz_m"][:, 0].astype(float)
    seen = larger * seen_from(places, xyz_m - np.array([0.0, 0.0, feet_m(xyz_m)]))
    pixels = focal_px * seen[..., :2] / seen[..., 2:] + np.array(size_px) / 2.0
    rest = LEVEL.copy()
    rest[:3, 3] = 0.3, -5.0, 1.2  # a camera told from the person, not from the scene
    arrays["xyz_m"] = (seen @ rest[:3, :3].T + rest[:3, 3])[:, None].astype(np.float32)
    arrays["xy_px"] = pixels[:, None].astype(np.float32)
    arrays |= {"world_from_camera": rest, "focal_px": np.array(focal_px)}
    arrays["image_size_px"] = np.array(size_px)
    np.savez(path, **arrays)
    return pixels, xyz_m - np.array([0.0, 0.0, feet_m(xyz_m)])


def animate(camera, places, first=1):
    """Key a camera's path, a frame of the scene each."""
    camera.rotation_mode = "QUATERNION"
    for row, place in enumerate(places):
        matrix = Matrix((place @ BLENDER_CAMERA_AXES).tolist())
        camera.location, camera.rotation_quaternion = matrix.translation, matrix.to_quaternion()
        camera.keyframe_insert("location", frame=first + row)
        camera.keyframe_insert("rotation_quaternion", frame=first + row)


def add_camera(lens_mm=36.0, sensor_mm=36.0):
    """Add a camera and make it the scene's."""
    data = bpy.data.cameras.new("Filmed")
    data.lens, data.sensor_width = lens_mm, sensor_mm
    camera = bpy.data.objects.new("Filmed", data)
    bpy.context.scene.collection.objects.link(camera)
    bpy.context.scene.camera = camera
    return camera


def stray_m(rig, world_m, frames):
    """Largest distance of the rig's hips from the person's in some frames, metres."""
    off = []
    for row in (0, 10, 39):
        bpy.context.scene.frame_set(frames[row])
        for side, letter in (("left", "L"), ("right", "R")):
            found = rig.matrix_world @ rig.pose.bones[f"thigh.{letter}"].head
            wanted = world_m[row, NAMES.index(f"{side}_hip")]
            off.append(np.linalg.norm(np.array(found) - wanted))
    return max(off)


def misfit(rig, pixels, frames, size_px):
    """Tell how far the rig is from the footage through the scene's camera.

    Args:
        rig: The armature, of our own bones.
        pixels: (T, K, 2) key points in the footage.
        frames: (T,) scene frames that show them.
        size_px: Width and height of the footage, fitted into the rendered picture.

    Returns:
        Median distance of shoulders, elbows, wrists, hips, knees and ankles as a share of the
        person's height in the footage.
    """
    scene = bpy.context.scene
    render = scene.render
    shape = np.array([render.resolution_x * render.pixel_aspect_x, render.resolution_y])
    shape[1] *= render.pixel_aspect_y
    scale = (shape / np.array(size_px)).min()
    off = []
    for row, frame in enumerate(frames):
        scene.frame_set(int(np.floor(frame)), subframe=float(frame % 1.0))
        seen = pixels[row][np.isfinite(pixels[row]).all(axis=-1)]
        if not len(seen):
            continue
        tall = np.ptp(seen[:, 1])
        for side, letter in (("left", "L"), ("right", "R")):
            for point in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
                bone = rig.pose.bones[f"{SIDE_JOINTS[point][0]}.{letter}"]
                view = world_to_camera_view(scene, scene.camera, rig.matrix_world @ bone.head)
                off_middle = np.array([view.x - 0.5, 0.5 - view.y]) * shape / scale
                found = off_middle + np.array(size_px) / 2.0
                wanted = pixels[row, NAMES.index(f"{side}_{point}")]
                off.append(np.linalg.norm(found - wanted) / tall)
    return float(np.median(off))


@contextlib.contextmanager
def clip_editor(clip):
    """Show a clip in a Clip editor, for operators that need one."""
    window = bpy.context.window_manager.windows[0]
    area = window.screen.areas[0]
    area.type = "CLIP_EDITOR"
    space, region = area.spaces[0], area.regions[-1]
    space.clip = clip
    with bpy.context.temp_override(window=window, area=area, region=region, space_data=space):
        yield


def mark(clip, places, points_m, bend=None, rows=range(FRAMES)):
    """Set tracking markers where a camera of the clip's lens sees points of the world.

    Args:
        clip: The clip.
        places: (40, 4, 4) where the camera was.
        points_m: (N, 3).
        bend: Slopes, y upwards, to the same through the lens's distortion.
        rows: Frames of the film that are marked.
    """
    settings = clip.tracking.camera
    size = np.array(clip.size)
    seen = seen_from(places, np.tile(points_m, (len(places), 1, 1)))
    slopes = seen[..., :2] / seen[..., 2:] * [1.0, -1.0]
    slopes = slopes if bend is None else bend(slopes)
    centre = np.array(settings.principal_point_pixels)
    at = (settings.focal_length_pixels * slopes + centre) / size
    for number in range(len(points_m)):
        track = clip.tracking.tracks.new(name=f"{number}", frame=1)
        for row in rows:
            track.markers.insert_frame(row + 1, co=at[row, number])


def solve_camera(clip, camera, floor=(), metres=0.0):
    """Let Blender's own solver find the path, and the scene's camera follow it.

    Args:
        clip: The clip, marked.
        camera: The scene's camera.
        floor: Three tracks that lie on the floor, of which the first is the origin and the second
            on the X axis; none leaves the solution as it is.
        metres: Distance of these two.
    """
    follow = camera.constraints.new("CAMERA_SOLVER")
    follow.use_active_clip, follow.clip = False, clip
    tracking = clip.tracking
    tracking.settings.use_keyframe_selection = False
    tracking.objects.active.keyframe_a, tracking.objects.active.keyframe_b = 1, 25
    with clip_editor(clip):
        assert bpy.ops.clip.solve_camera() == {"FINISHED"}
        for operator, tracks, given in (
            (bpy.ops.clip.set_plane, floor, {}),
            (bpy.ops.clip.set_origin, floor[:1], {}),
            (bpy.ops.clip.set_axis, floor[1:2], {"axis": "X"}),
            (bpy.ops.clip.set_scale, floor[:2], {"distance": metres}),
        ):
            for track in tracking.tracks:
                track.select = int(track.name) in tracks
            if floor:
                assert operator(**given) == {"FINISHED"}
    assert tracking.reconstruction.average_error < 0.1
