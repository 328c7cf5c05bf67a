# SPDX-License-Identifier: GPL-3.0-or-later
"""The panels draw in every state, with calls that this Blender's layout has."""

from types import SimpleNamespace

import bpy
import pytest
from track_spine.addon import modal
from track_spine.addon.operators import TRACKSPINE_OT_track
from track_spine.addon.panels import (
    TRACKSPINE_PT_clip_editor,
    TRACKSPINE_PT_view3d,
    TRACKSPINE_PT_view3d_footage,
)
from track_spine.addon.rig_panel import TRACKSPINE_PT_view3d_rig

pytestmark = pytest.mark.usefixtures("extension")


class Layout:
    """Takes what bpy.types.UILayout takes, and remembers it."""

    drawn: list

    def __init__(self, drawn=None):
        """Start with an empty page, or draw on a parent's."""
        self.drawn = [] if drawn is None else drawn

    def __getattr__(self, name):
        """Give a drawing function that knows Blender's own arguments."""
        parameters = bpy.types.UILayout.bl_rna.functions[name].parameters

        def draw(*arguments, **keywords):
            unknown = set(keywords) - set(parameters.keys()) - {"text_ctxt"}
            assert not unknown, f"UILayout.{name} has no {unknown}"
            self.drawn.append((name, arguments, keywords))
            if name in {"prop", "template_ID"}:
                assert hasattr(arguments[0], arguments[1])
            if name == "operator":
                return SimpleNamespace()
            return Layout(self.drawn)

        return draw

    def texts(self):
        """All words that were drawn."""
        return [keywords["text"] for _, _, keywords in self.drawn if "text" in keywords]

    def operators(self):
        """Names of all buttons that were drawn."""
        return [arguments[0] for name, arguments, _ in self.drawn if name == "operator"]


def draw(panel):
    layout = Layout()
    space = SimpleNamespace(type=panel.bl_space_type, clip=None)
    context = SimpleNamespace(
        scene=bpy.context.scene, view_layer=bpy.context.view_layer, space_data=space
    )
    drawing = SimpleNamespace(layout=layout)
    drawing.draw_source = lambda *arguments: panel.draw_source(drawing, *arguments)
    panel.draw(drawing, context)
    return layout


@pytest.fixture(params=[TRACKSPINE_PT_view3d, TRACKSPINE_PT_clip_editor])
def panel(request):
    return request.param


def test_before_a_run_there_is_the_button(panel):
    layout = draw(panel)
    assert "track_spine.track" in layout.operators()
    assert not any(name == "progress" for name, _, _ in layout.drawn)


def test_during_a_run_there_is_a_bar_and_a_way_to_stop(panel, monkeypatch):
    job = SimpleNamespace(fraction=0.3, status="Tracking frame 3 of 10, 30 fps")
    monkeypatch.setattr(modal.RunsWorker, "current", job)
    layout = draw(panel)
    assert "track_spine.track" not in layout.operators()
    assert "track_spine.stop" in layout.operators()
    assert job.status in layout.texts()


def shown(layout):
    """Names of all settings that were drawn."""
    return [arguments[1] for name, arguments, _ in layout.drawn if name == "prop"]


def test_rendered_frames_have_no_clip_to_choose_and_no_person_to_pick(panel):
    before = draw(panel)
    bpy.context.scene.track_spine.source = "RENDER"
    after = draw(panel)
    assert any(name == "template_ID" for name, _, _ in before.drawn)
    assert not any(name == "template_ID" for name, _, _ in after.drawn)
    assert "use_subject_point" in shown(before) and "use_subject_point" not in shown(after)


@pytest.mark.parametrize(
    ("part", "fields"),
    [("ALL", set()), ("SCENE", set()), ("FRAMES", {"part_frames"}), ("SECONDS", {"part_seconds"})],
)
def test_the_sub_panel_shows_the_fields_of_the_part_chosen(part, fields):
    bpy.context.scene.track_spine.part = part
    names = set(shown(draw(TRACKSPINE_PT_view3d_footage)))
    assert names & {"part_frames", "part_seconds"} == fields


def test_after_a_run_there_is_its_report(panel):
    settings = bpy.context.scene.track_spine
    settings.last_report = "Tracked 30 of 40 frames\n10 without the person"
    settings.use_subject_point = True
    texts = draw(panel).texts()
    assert "Tracked 30 of 40 frames" in texts and "10 without the person" in texts


def test_a_long_line_of_the_report_is_broken_not_cut(panel):
    bpy.context.scene.track_spine.last_report = "Spine within 0.2% of the curve, 5.6% at its worst"
    texts = draw(panel).texts()
    assert "Spine within 0.2% of the curve, 5.6%" in texts and "at its worst" in texts


def test_the_field_says_which_armature_will_move(panel):
    def hint():
        (found,) = (
            keywords["placeholder"]
            for _, _, keywords in draw(panel).drawn
            if "placeholder" in keywords
        )
        return found

    assert hint() == "New armature"
    bpy.ops.object.armature_add()
    assert hint() == "Armature (selected)"


def test_the_button_is_grey_until_there_is_a_movie_clip(clip_file):
    def poll(area="VIEW_3D", clip=None):
        space = SimpleNamespace(type="CLIP_EDITOR", clip=clip)
        area = SimpleNamespace(type=area)
        context = SimpleNamespace(area=area, space_data=space, scene=bpy.context.scene)
        return TRACKSPINE_OT_track.poll(context)

    assert not poll()
    assert poll(area="CONSOLE")
    movie = bpy.data.movieclips.load(str(clip_file))
    assert poll(clip=movie)
    bpy.context.scene.track_spine.clip = movie
    assert poll()
    bpy.context.scene.track_spine.source = "RENDER"
    assert not poll()
    bpy.context.scene.camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
    assert poll()


def test_one_run_at_a_time(monkeypatch):
    assert bpy.ops.track_spine.track.poll()
    assert not bpy.ops.track_spine.stop.poll()
    monkeypatch.setattr(modal.RunsWorker, "current", SimpleNamespace())
    assert not bpy.ops.track_spine.track.poll()
    assert bpy.ops.track_spine.stop.poll()


def test_the_rig_panel_says_what_its_sliders_and_boxes_are():
    layout = draw(TRACKSPINE_PT_view3d_rig)
    assert "Bending Lumbar" in layout.texts()
    drawn = {arguments[1] for name, arguments, _ in layout.drawn if name == "prop"}
    assert {"thoracic", "cervical", "ik_arms", "ik_legs", "plant_feet", "hands_reach"} <= drawn
    assert "track_spine.retarget" in layout.operators()
