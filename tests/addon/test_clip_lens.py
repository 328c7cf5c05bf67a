# SPDX-License-Identifier: GPL-3.0-or-later
"""The lens of a clip comes out of Blender's settings in OpenCV's numbers."""

from pathlib import Path

import bpy
import numpy as np
import pytest
from track_spine.addon.clip_lens import clip_lens, clip_size_px, require_as_tracked
from track_spine.addon.errors import SourceError
from track_spine.inference.lens import known_lens
from track_spine.inference.protocol import TrackRequest
from track_spine.inference.video import VideoInfo


@pytest.fixture(name="clip")
def _clip(clip_file):
    """A clip of 64 x 48 pixels, filmed with a lens of 32 mm on a sensor of 40."""
    clip = bpy.data.movieclips.load(str(clip_file))
    camera = clip.tracking.camera
    camera.sensor_width, camera.focal_length = 40.0, 32.0
    return clip


def bent_by(lens, x, y):
    """OpenCV's model, at slopes."""
    k1, k2, p1, p2, k3 = lens.distortion
    r = x * x + y * y
    share = 1 + k1 * r + k2 * r**2 + k3 * r**3
    return (
        x * share + 2 * p1 * x * y + p2 * (r + 2 * x * x),
        y * share + p1 * (r + 2 * y * y) + 2 * p2 * x * y,
    )


def test_focal_length_sensor_and_centre(clip):
    width, height = clip.size
    lens = clip_lens(clip)
    assert lens.focal_px == pytest.approx(width * 32.0 / 40.0)
    assert lens.centre_px is None  # the middle, upright or lying on its side
    assert lens.distortion == ()
    clip.tracking.camera.principal_point_pixels = width / 2 + 3.0, height / 2 + 5.0
    # Blender counts upwards.
    assert clip_lens(clip).centre_px == pytest.approx((width / 2 + 3.0, height / 2 - 5.0))


def test_polynomial_coefficients_are_opencv_s(clip):
    camera = clip.tracking.camera
    camera.distortion_model = "POLYNOMIAL"
    camera.k1, camera.k2, camera.k3 = -0.2, 0.05, -0.01
    found = clip_lens(clip).distortion
    assert found == pytest.approx((-0.2, 0.05, 0.0, 0.0, -0.01), abs=1e-4)


def test_browns_tangential_terms_change_sign_with_the_axis(clip):
    camera = clip.tracking.camera
    camera.distortion_model = "BROWN"
    camera.brown_k1, camera.brown_p1, camera.brown_p2 = 0.1, 0.02, 0.03
    lens = clip_lens(clip)
    x, up = 0.3, 0.2  # libmv, y upwards
    r = x * x + up * up
    wanted = (
        x * (1 + 0.1 * r) + 0.02 * (r + 2 * x * x) + 2 * 0.03 * x * up,
        up * (1 + 0.1 * r) + 0.03 * (r + 2 * up * up) + 2 * 0.02 * x * up,
    )
    found = bent_by(lens, x, -up)
    assert (found[0], -found[1]) == pytest.approx(wanted, abs=1e-5)


def test_division_comes_back_exactly(clip):
    """Both ways through OpenCV, over the whole picture, within a millionth of a pixel."""
    camera = clip.tracking.camera
    camera.distortion_model, camera.division_k1, camera.division_k2 = "DIVISION", 0.1, 0.02
    lens = clip_lens(clip)
    request = TrackRequest("a.mp4", "take", **vars(lens))
    view = known_lens(request, VideoInfo(Path("a.mp4"), "", 0, 64, 48, 0, 30.0, 10))
    slopes = np.stack(np.meshgrid(np.linspace(-0.6, 0.6, 9), np.linspace(-0.4, 0.4, 9)), -1)
    r = (slopes**2).sum(-1, keepdims=True)
    bent = slopes / (1.0 + camera.division_k1 * r + camera.division_k2 * r**2)
    found = view.slopes(bent * lens.focal_px + [32.0, 24.0])
    assert np.abs(found - slopes).max() * lens.focal_px < 1e-6


def test_nuke_is_met_within_a_tenth_of_a_pixel(clip):
    camera = clip.tracking.camera
    width = clip.size[0]
    slope = 0.4 * width / camera.focal_length_pixels
    camera.distortion_model, camera.nuke_k1 = "NUKE", 0.05
    lens = clip_lens(clip)
    straight = slope / (1 + 0.05 * (slope * lens.focal_px / (width / 2)) ** 2)
    assert bent_by(lens, straight, 0.0)[0] * lens.focal_px == pytest.approx(
        slope * lens.focal_px, abs=0.1
    )


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("sensor_width", 0.0, "sensor 0 mm wide"),
        ("focal_length", 1e9, "Focal length is 1600000000"),
        ("pixel_aspect", 1e9, "Focal length is 512000007"),
    ],
)
def test_settings_of_no_camera_are_refused_with_the_value(
    extension, clip, tmp_path, name, value, said
):
    setattr(clip.tracking.camera, name, value)
    scene = bpy.context.scene
    scene.track_spine.clip, scene.track_spine.filmed_by = clip, "CLIP"
    with pytest.raises(RuntimeError, match=said):
        bpy.ops.track_spine.track(take=str(tmp_path / "take"))


def test_what_cannot_be_undone_is_refused(clip):
    camera = clip.tracking.camera
    camera.distortion_model, camera.division_k1 = "DIVISION", -1.9
    with pytest.raises(SourceError, match="Polynomial"):
        clip_lens(clip)


def test_wide_pixels_are_counted_as_the_pictures_are_tracked(clip):
    """Twice as wide as high: a picture of 128 x 48, of which the lens sees the same."""
    camera = clip.tracking.camera
    camera.pixel_aspect, camera.k1 = 2.0, -0.1
    camera.principal_point_pixels = 35.0, 20.0
    assert clip_size_px(clip) == (128, 48)
    lens = clip_lens(clip)
    assert lens.focal_px == pytest.approx(128 * 0.8)
    assert lens.centre_px == pytest.approx((70.0, 28.0))
    assert lens.distortion == pytest.approx((-0.1, 0, 0, 0, 0), abs=1e-4)


def test_footage_of_another_shape_than_was_tracked_is_refused(clip):
    require_as_tracked(clip, (64, 48), turned=False)
    require_as_tracked(clip, (48, 64), turned=True)
    with pytest.raises(SourceError, match="lying on its side"):
        require_as_tracked(clip, (48, 64), turned=False)
    with pytest.raises(SourceError, match=r"Pixel Aspect in its tracking settings to 1\.5"):
        require_as_tracked(clip, (96, 48), turned=True)
    clip.tracking.camera.pixel_aspect = 1.5
    require_as_tracked(clip, (96, 48), turned=False)


@pytest.mark.parametrize("filmed_by", ["CLIP", "SCENE"])
def test_clips_that_are_gone_or_no_film_are_told(extension, clip, tmp_path, filmed_by):
    scene = bpy.context.scene
    scene.track_spine.clip, scene.track_spine.filmed_by = clip, filmed_by
    scene.camera = bpy.data.objects.new("C", bpy.data.cameras.new("C"))
    clip.filepath = str(tmp_path / "gone.mp4")
    with pytest.raises(RuntimeError, match=r"No such video file: .*gone\.mp4"):
        bpy.ops.track_spine.track(take=str(tmp_path / "take"))
    (tmp_path / "text.mp4").write_bytes(b"not a movie")
    scene.track_spine.clip = bpy.data.movieclips.load(str(tmp_path / "text.mp4"))
    with pytest.raises(RuntimeError, match=r"text\.mp4 is not a video that can be opened"):
        bpy.ops.track_spine.track(take=str(tmp_path / "take"))


def test_the_clip_s_lens_goes_into_a_run(
    extension, use_fake, lifted_file, clip, tmp_path, requests
):
    use_fake("tracks", lifted_file)
    clip.tracking.camera.k1 = -0.1
    scene = bpy.context.scene
    scene.track_spine.clip, scene.track_spine.filmed_by = clip, "CLIP"
    assert bpy.ops.track_spine.track(take=str(tmp_path / "take")) == {"FINISHED"}
    asked = requests[0]
    assert asked.focal_px == pytest.approx(clip.size[0] * 0.8)
    assert asked.focal_source == "movie clip"
    np.testing.assert_allclose(asked.distortion, (-0.1, 0, 0, 0, 0), atol=1e-4)
