# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that only Blender has: what F12 gives, whether strips, image sequences or a 3D scene."""

import contextlib
import hashlib
import json
import secrets
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import bpy
import numpy as np
from numpy.typing import NDArray

from .compat import choose_still_format, sequencer_strips
from .errors import SourceError

HEADER_BYTES: Final = 18
"""Of an uncompressed Targa file as Blender writes it, without a name: the shortest way to bytes."""

FILE_STRIPS: Final = ("MOVIE", "IMAGE", "META", "SOUND")
"""Strips whose pictures are told by their settings and files; any other may change unseen."""

UNSEEN: Final = ("select", "select_left_handle", "select_right_handle", "name", "color_tag")
"""Settings of a strip that no picture depends on."""

NOTHING_RENDERED: Final = "Add strips in the Video Sequencer, or a camera to the scene"

SETTINGS: Final = ("filepath", "use_file_extension", "use_overwrite", "use_placeholder")


@dataclass(frozen=True)
class SceneFrames:
    """The frames of a scene's range, rendered one by one.

    Attributes:
        scene: Name of the scene: a reference would die with undo.
        frames: Scene frames in order.
        size_px: Width and height.
        rate_hz: Frame rate.
        identity: SHA-256, hexadecimal, of all that decides what the frames show; where that cannot
            be told, a new one each time.
        repeatable: Whether it can be told, so that a run that was broken off can go on.
    """

    scene: str
    frames: range
    size_px: tuple[int, int]
    rate_hz: float
    identity: str
    repeatable: bool

    @property
    def count(self) -> int:
        """Number of frames."""
        return len(self.frames)

    def picture(self, index: int) -> NDArray[np.uint8]:
        """Render a frame; the user's settings and current frame are put back.

        Args:
            index: Which, from 0.

        Returns:
            (H, W, 3) RGB.

        Raises:
            SourceError: Blender cannot render it, or the scene is gone.
        """
        scene = bpy.data.scenes.get(self.scene)
        if scene is None:
            raise SourceError(f"Scene {self.scene!r} is gone: its frames cannot be rendered")
        frame = self.frames[index]
        with tempfile.TemporaryDirectory(prefix="track_spine_", dir=bpy.app.tempdir) as folder:
            file = Path(folder, "frame")
            with _rendering_to(scene, file, frame):
                try:
                    bpy.ops.render.render(write_still=True, scene=scene.name)
                except RuntimeError as error:
                    raise SourceError(f"Frame {frame} cannot be rendered: {error}") from error
            return _read_targa(file, self.size_px, frame)


def scene_frames(scene: bpy.types.Scene, first: int, last: int) -> SceneFrames:
    """Describe the frames that a scene renders.

    Args:
        scene: The scene.
        first: First scene frame wanted.
        last: Last one.

    Returns:
        Their source.

    Raises:
        SourceError: There is nothing to render, or pixels are not square.
    """
    if not renders_something(scene):
        raise SourceError(f"Scene {scene.name!r} renders nothing. {NOTHING_RENDERED}")
    render = scene.render
    if render.pixel_aspect_x != render.pixel_aspect_y:
        raise SourceError(
            f"Scene {scene.name!r} renders pixels that are not square: set Aspect X and Y to 1 in "
            "the output properties"
        )
    share = render.resolution_percentage / 100
    size = int(render.resolution_x * share), int(render.resolution_y * share)
    rate_hz = render.fps / render.fps_base / scene.frame_step
    frames = range(first, last + 1, scene.frame_step)
    strips = _edited(scene)
    told = bool(strips) and _is_told_by_files(scene, strips)
    content = [scene.name, list(frames), size, rate_hz, _view(scene), [*map(_strip, strips)]]
    told_by = json.dumps(content, default=str) if told else secrets.token_hex(32)
    identity = hashlib.sha256(told_by.encode()).hexdigest()
    return SceneFrames(scene.name, frames, size, rate_hz, identity, told)


def renders_something(scene: bpy.types.Scene) -> bool:
    """Tell whether F12 gives a picture.

    Args:
        scene: The scene.

    Returns:
        Whether there are strips to render, or a camera.
    """
    return bool(_edited(scene)) or scene.camera is not None


def _edited(scene: bpy.types.Scene) -> list[Any]:
    """Strips that are rendered, in place of the 3D scene; none where all are sound or muted."""
    strips = sequencer_strips(scene) if scene.render.use_sequencer else []
    seen = any(not strip.mute and strip.type != "SOUND" for strip in strips)
    return strips if seen else []


def _is_told_by_files(scene: bpy.types.Scene, strips: list[Any]) -> bool:
    still = scene.animation_data is None or scene.animation_data.action is None
    return still and all(strip.type in FILE_STRIPS and not strip.modifiers for strip in strips)


def _view(scene: bpy.types.Scene) -> list[object]:
    return [
        _values(scene.view_settings),
        _values(scene.display_settings),
        _values(scene.sequencer_colorspace_settings),
    ]


def _strip(strip: Any) -> list[object]:
    """Everything that decides the pictures of a strip."""
    own = _values(strip)
    # Blender 4.2 turns a strobe of 0 into 1, which shows the same, when it first renders.
    own["strobe"] = max(1.0, strip.strobe)
    parts = [_values(getattr(strip, name)) for name in ("transform", "crop") if _has(strip, name)]
    colours = _values(strip.colorspace_settings) if _has(strip, "colorspace_settings") else {}
    return [strip.type, own, parts, colours, [*map(_file_state, _files(strip))]]


def _has(strip: Any, name: str) -> bool:
    return getattr(strip, name, None) is not None


def _files(strip: Any) -> list[Path]:
    if strip.type == "IMAGE":
        folder = Path(bpy.path.abspath(strip.directory))
        return [folder / element.filename for element in strip.elements]
    return [Path(bpy.path.abspath(strip.filepath))] if strip.type == "MOVIE" else []


def _file_state(path: Path) -> list[object]:
    try:
        status = path.stat()
    except OSError:
        return [str(path)]
    return [str(path), status.st_size, status.st_mtime_ns]


def _values(data: Any) -> dict[str, object]:
    """Plain values of Blender's data, without what no picture depends on."""
    found = {}
    for value in data.bl_rna.properties:
        plain = value.type in ("BOOLEAN", "INT", "FLOAT", "STRING", "ENUM")
        deprecated = getattr(value, "is_deprecated", False)  # to read such a one gives a warning
        if plain and not deprecated and value.identifier not in UNSEEN:
            content = getattr(data, value.identifier)
            is_array = getattr(value, "is_array", False)
            found[value.identifier] = list(content) if is_array else content
    return found


@contextlib.contextmanager
def _rendering_to(scene: bpy.types.Scene, file: Path, frame: int) -> Iterator[None]:
    render = scene.render
    before = {name: getattr(render, name) for name in SETTINGS}
    current = scene.frame_current, scene.frame_subframe
    with choose_still_format(render.image_settings, "TARGA_RAW"):
        render.filepath = str(file)
        render.use_file_extension = render.use_placeholder = False
        render.use_overwrite = True
        scene.frame_set(frame)
        try:
            yield
        finally:
            for name, value in before.items():
                setattr(render, name, value)
            scene.frame_set(current[0], subframe=current[1])


def _read_targa(file: Path, size_px: tuple[int, int], frame: int) -> NDArray[np.uint8]:
    width, height = size_px
    try:
        content = np.fromfile(file, np.uint8)
    except OSError as error:
        raise SourceError(
            f"Blender wrote no picture of frame {frame}: {error.strerror or error}. Does F12 "
            "render it?"
        ) from error
    found = tuple(int(number) for number in content[12:16].view("<u2"))
    if found != size_px or len(content) < HEADER_BYTES + 3 * width * height or content[16] != 24:
        raise SourceError(
            f"Frame {frame} was rendered with {found[0]} x {found[1]} pixels, not {width} x "
            f"{height}: the scene was changed meanwhile, or renders a border or several views"
        )
    pixels = content[HEADER_BYTES : HEADER_BYTES + 3 * width * height]
    return np.ascontiguousarray(pixels.reshape(height, width, 3)[::-1, :, ::-1])
