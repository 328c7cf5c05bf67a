# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that others publish: where they lie, under which licence, and what they take and give.

None of them ships, none is downloaded unasked, and no publisher states a hash, so `sha256` is empty
until somebody who has the file enters it. File names and addresses are those that the published
library asks for; they could not be tried where this was written.

Source: dfki-av/spinepose 2.0.2, src/spinepose/pose_estimator.py, and its branch dev,
tools/pose_lifting; roboflow/rf-detr, export; MMPose, projects/rtmpose.
"""

from dataclasses import dataclass
from typing import Final

from .ends import Ends
from .keypoints import NAMES
from .simcc_layout import LARGE, SMALL
from .terms import Terms


@dataclass(frozen=True)
class PublishedModel:
    """A network to be fetched on request.

    Attributes:
        name: What users call it.
        family: `simcc`, `lifter`, `rfdetr` or `yolox`: how it is fed and read.
        url: Where the file lies.
        terms: Its licence.
        ends: What it takes and gives.
        member: Name of the network within a zip archive; empty where the file is the network.
        sha256: Hash of the network, where one is known.
    """

    name: str
    family: str
    url: str
    terms: Terms
    ends: Ends
    member: str = ""
    sha256: str | None = None

    @property
    def file(self) -> str:
        """Name of the network in the folder of models."""
        return f"{self.name}.onnx"


HOSTS: Final = ("huggingface.co", "hf.co", "download.openmmlab.com")
"""Downloads come from these and the hosts under them; a redirect elsewhere is not followed."""

_SPINEPOSE: Final = "https://huggingface.co/dfki-av/spinepose/resolve/main/"
_RFDETR: Final = "https://huggingface.co/saifkhichi96/opendetect/resolve/main/rfdetr/"
_YOLOX: Final = "https://download.openmmlab.com/mmpose/v1/projects/rtmposev1/onnx_sdk/"

SPINEPOSE_TERMS: Final = Terms(
    publisher="DFKI, dfki-av/spinepose",
    licence="CC-BY-NC-4.0",
    address="https://creativecommons.org/licenses/by-nc/4.0/",
    note="Not for commercial use, and the publisher names DFKI and the papers to be cited.",
)
RFDETR_TERMS: Final = Terms(
    publisher="Roboflow RF-DETR, exported by saifkhichi96/opendetect",
    licence="Apache-2.0",
    address="https://www.apache.org/licenses/LICENSE-2.0",
    note="The licence is that of RF-DETR; the page of the export was not seen.",
)
YOLOX_TERMS: Final = Terms(
    publisher="OpenMMLab, MMPose project RTMPose",
    licence="Apache-2.0",
    address="https://www.apache.org/licenses/LICENSE-2.0",
    note="Trained on COCO and Human-Art, whose pictures have terms of their own.",
)


def _simcc(version: str, data: str, size: str) -> PublishedModel:
    large = size == "x"
    batch, picture = ("32xb128", "384x288") if large else ("32xb256", "256x192")
    return PublishedModel(
        name=f"spinepose-{version}-{size}",
        family="simcc",
        url=f"{_SPINEPOSE}spinepose-{size}_{batch}-10e_{data}-{picture}.onnx",
        terms=SPINEPOSE_TERMS,
        ends=(LARGE if large else SMALL).ends,
    )


def _rfdetr(size: str, side: int) -> PublishedModel:
    return PublishedModel(
        name=f"rfdetr-{size}",
        family="rfdetr",
        url=f"{_RFDETR}rfdetr_{size}_v142_{side}x{side}.onnx",
        terms=RFDETR_TERMS,
        ends=Ends(input=(3, side, side), outputs=((None, 4), (None, None))),
    )


def _yolox(size: str, side: int, code: str) -> PublishedModel:
    return PublishedModel(
        name=f"yolox-{size}",
        family="yolox",
        url=f"{_YOLOX}yolox_{size}_8xb8-300e_humanart-{code}.zip",
        terms=YOLOX_TERMS,
        ends=Ends(input=(3, side, side), outputs=((None, 5),)),
        member="end2end.onnx",
    )


LIFTER: Final = PublishedModel(
    name="spinepose-lifter",
    family="lifter",
    url=f"{_SPINEPOSE}simspine/3d/onnx/spinepose_lifter_8xb256-90e_simspine-37x2.onnx",
    terms=SPINEPOSE_TERMS,
    ends=Ends(input=(len(NAMES), 2), outputs=((len(NAMES), 3),)),
)

CATALOGUE: Final = (
    *(_simcc("v2", "simspine", size) for size in "sml"),
    *(_simcc("v1", "spinetrack", size) for size in "smlx"),
    LIFTER,
    *(_rfdetr(size, side) for size, side in (("n", 384), ("s", 512), ("m", 576), ("l", 704))),
    *(
        _yolox(*entry)
        for entry in (
            ("tiny", 416, "6f3252f9"),
            ("m", 640, "c2c7a14a"),
            ("x", 640, "a39d44ed"),
        )
    ),
)
"""All of them, pose networks first."""


_NEWEST: Final = {f"spinepose-{size}": f"spinepose-v2-{size}" for size in "sml"} | {
    "spinepose-x": "spinepose-v1-x"
}
"""Names without a version."""


def find(name: str) -> PublishedModel | None:
    """Find a network by name.

    Args:
        name: Its name; without a version, the newest.

    Returns:
        The network, or None where there is none of that name.
    """
    wanted = _NEWEST.get(name, name)
    return next((one for one in CATALOGUE if one.name == wanted), None)
