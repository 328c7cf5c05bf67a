# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of ONNX Runtime's execution providers runs a network, with which options, and why.

That ONNX Runtime lists a provider says only that it was built with it: libraries and devices show
when a session is made, or at its first run. `session.py` tries them in the order given here.

Source of the options: onnxruntime.ai/docs/execution-providers.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from .errors import ModelError
from .user_folder import user_folder

ENVIRONMENT: Final = "TRACK_SPINE_PROVIDER"
"""Names a provider where the program is not told one."""

AUTOMATIC: Final = "auto"

DEVICE_BYTES: Final = 2 * 2**30
"""Most memory of a GPU that one network takes: Blender draws with the rest. The networks here need
a tenth of it for a batch of 16."""


@dataclass(frozen=True)
class Provider:
    """One of ONNX Runtime's providers.

    Attributes:
        name: What users call it.
        runtime: What ONNX Runtime calls it.
        options: What it is told.
        asked_only: Why it is used only where the user asks for it; empty where it may be picked.
        caches: Option that names a folder for what it compiles; empty where it keeps nothing.
        one_at_a_time: Whether it can neither run a network from two threads at once nor plan its
            memory ahead.
        preloads: Whether its libraries may lie in Python packages, where the system does not look.
    """

    name: str
    runtime: str
    options: Mapping[str, str] = field(default_factory=dict)
    asked_only: str = ""
    caches: str = ""
    one_at_a_time: bool = False
    preloads: bool = False

    def told(self) -> dict[str, str]:
        """Options with the folder for what is compiled, which is made.

        Returns:
            Options as ONNX Runtime takes them.
        """
        if not self.caches:
            return dict(self.options)
        folder: Path = user_folder("compiled") / self.name
        folder.mkdir(parents=True, exist_ok=True)
        return {**self.options, self.caches: str(folder)}


TENSORRT: Final = Provider(
    "tensorrt",
    "TensorrtExecutionProvider",
    {
        "trt_fp16_enable": "True",
        "trt_engine_cache_enable": "True",
        "trt_timing_cache_enable": "True",
        "trt_max_workspace_size": str(DEVICE_BYTES),
    },
    asked_only="it compiles each network for minutes before the first frame",
    caches="trt_engine_cache_path",
    preloads=True,
)
CUDA: Final = Provider(
    "cuda",
    "CUDAExecutionProvider",
    {
        "use_tf32": "1",
        "prefer_nhwc": "1",
        # The default tries all algorithms anew for each size of batch, and sizes change all along.
        "cudnn_conv_algo_search": "HEURISTIC",
        "arena_extend_strategy": "kSameAsRequested",
        "gpu_mem_limit": str(DEVICE_BYTES),
    },
    preloads=True,
)
MIGRAPHX: Final = Provider(
    "migraphx",
    "MIGraphXExecutionProvider",
    {"migraphx_fp16_enable": "1"},
    asked_only="it compiles each network for each size of batch before its first run",
)
DIRECTML: Final = Provider(
    "directml",
    "DmlExecutionProvider",
    {"performance_preference": "high_performance", "device_filter": "gpu"},
    one_at_a_time=True,
)
COREML: Final = Provider(
    "coreml",
    "CoreMLExecutionProvider",
    {
        "ModelFormat": "MLProgram",
        "MLComputeUnits": "ALL",
        "AllowLowPrecisionAccumulationOnGPU": "1",
    },
    asked_only="it is in every ONNX Runtime for macOS and was never measured with these networks, "
    "which `track-spine self-test` does",
    caches="ModelCacheDirectory",
)
OPENVINO_GPU: Final = Provider(
    "openvino-gpu",
    "OpenVINOExecutionProvider",
    # Half precision is its default there. AUTO, which would find the device itself, leaves the
    # whole network to the CPU in 1.24.
    {"device_type": "GPU"},
    caches="cache_dir",
)
OPENVINO_CPU: Final = Provider(
    "openvino-cpu",
    "OpenVINOExecutionProvider",
    {"device_type": "CPU"},
    asked_only="ONNX Runtime runs on a CPU by itself: whether this is faster on this one, "
    "`track-spine self-test` measures",
    caches="cache_dir",
)
CPU: Final = Provider("cpu", "CPUExecutionProvider")

PROVIDERS: Final = (TENSORRT, CUDA, MIGRAPHX, DIRECTML, COREML, OPENVINO_GPU, OPENVINO_CPU, CPU)
"""Fastest first, by what their makers say; a build of ONNX Runtime has two or three of them."""

NAMES: Final = (AUTOMATIC, *(one.name for one in PROVIDERS))


@dataclass(frozen=True)
class Choice:
    """What to try.

    Attributes:
        order: Providers, best first; one alone where the user asked for it.
        refused: A sentence for each provider that is there and is not tried unasked.
    """

    order: tuple[Provider, ...]
    refused: tuple[str, ...] = ()


def choose(available: Sequence[str], wanted: str | None = None) -> Choice:
    """Decide which providers to try.

    Args:
        available: ONNX Runtime's list.
        wanted: One of NAMES; None for what the environment says, else `auto`.

    Returns:
        The providers to try.

    Raises:
        ModelError: There is no provider of that name, or this ONNX Runtime lacks it.
    """
    name = (wanted or os.environ.get(ENVIRONMENT) or AUTOMATIC).lower()
    there = [one for one in PROVIDERS if one.runtime in available]
    if name == AUTOMATIC:
        refused = [one for one in there if one.asked_only]
        reasons = tuple(f"{one.name} is used on request only: {one.asked_only}" for one in refused)
        return Choice(tuple(one for one in there if not one.asked_only), reasons)
    if name not in NAMES:
        raise ModelError(f"There is no provider {name!r}: choose one of {', '.join(NAMES)}")
    asked = [one for one in there if one.name == name]
    if not asked:
        raise ModelError(
            f"This ONNX Runtime has no provider {name!r}, it has "
            f"{', '.join(one.name for one in there)}: choose one of these, or install the package "
            "of ONNX Runtime that has it"
        )
    return Choice(tuple(asked))
