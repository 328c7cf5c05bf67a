# SPDX-License-Identifier: GPL-3.0-or-later
"""The bank of bodies and motions, made once; all is skipped outside training's environment."""

import importlib.util

import pytest

NEEDED = ("torch", "anny", "bpy", "onnx", "tflite", "matplotlib", "skimage", "sklearn")


def pytest_collection_modifyitems(items):
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        why = f"{', '.join(missing)} missing: training has its own environment, training/README.md"
        for item in items:
            if "tests/training" in str(item.path).replace("\\", "/"):
                item.add_marker(pytest.mark.skip(reason=why))


@pytest.fixture(scope="session")
def model():
    from track_spine.training.bodies import build_bank, load_bank
    from track_spine.training.places import CACHE

    bank = CACHE / "bodies.npz"
    if not bank.exists():
        build_bank(bank)
    return load_bank(bank)


@pytest.fixture(scope="session")
def motions():
    from track_spine.training.motions import load_motions
    from track_spine.training.places import DATA

    if not DATA.is_dir():
        pytest.skip(f"{DATA} is missing: motion capture comes from the shared data folder")
    return load_motions(DATA / "mocap")


@pytest.fixture(scope="session")
def studio(model, tmp_path_factory):
    from track_spine.training.places import CACHE, DATA
    from track_spine.training.sample import open_studio

    if not DATA.is_dir():
        pytest.skip(
            f"{DATA} is missing: motion capture and plates come from the shared data folder"
        )
    return open_studio(
        CACHE / "bodies.npz", DATA / "mocap", DATA / "video", tmp_path_factory.mktemp("scratch")
    )


@pytest.fixture
def standing():
    """A pose: upright, arms a little away from the body."""
    import numpy as np
    from track_spine.training.posing import Pose

    down, ahead = np.array([[0.3, 0, -1.0], [-0.3, 0, -1.0]]), np.tile([0, -0.8, -0.6], (2, 1))
    down /= np.linalg.norm(down, axis=1, keepdims=True)
    legs = np.tile([0.0, 0.0, -1.0], (2, 1))
    still = np.zeros(2)
    return Pose(np.eye(3), np.zeros((25, 3)), down, down, down, still, legs, legs, ahead, still)
