# SPDX-License-Identifier: GPL-3.0-or-later
"""Which provider runs a network: in order, forced, failing at the start and at the first run."""

import dataclasses
import hashlib
from types import SimpleNamespace

import numpy as np
import pytest
from track_spine.inference import session as session_module
from track_spine.inference.errors import ModelError
from track_spine.inference.models import POSE
from track_spine.inference.providers import (
    COREML,
    CPU,
    CUDA,
    DEVICE_BYTES,
    DIRECTML,
    ENVIRONMENT,
    NAMES,
    OPENVINO_CPU,
    OPENVINO_GPU,
    PROVIDERS,
    TENSORRT,
    choose,
)
from track_spine.inference.session import Session

EVERYTHING = [one.runtime for one in PROVIDERS] + ["AzureExecutionProvider"]
BATCH = np.zeros((1, 2), np.float32)
ANSWER = np.array([[1.0, 2.0, 3.0]])


class FakeRuntime:
    """Stands in for ONNX Runtime: each provider starts and runs as it is told to."""

    def __init__(self, available, starting=None, running=None):
        """Choose what is listed, and what each does."""
        self.available = [*available, "AzureExecutionProvider", CPU.runtime]
        self.starting, self.running = starting or {}, running or {}
        self.started = []
        self.preloaded = False

    def get_available_providers(self):
        return self.available

    def preload_dlls(self):
        print("looked for libraries")
        self.preloaded = True

    def InferenceSession(self, _content, options, providers, enable_fallback):  # noqa: N802
        ((name, told),) = providers
        assert enable_fallback == 0
        self.started.append((name, told, options))
        does = self.starting.get(name, name)
        if isinstance(does, Exception):
            raise does
        return SimpleNamespace(
            get_providers=lambda: [does],
            get_inputs=lambda: [SimpleNamespace(name="input", shape=["n", 2], type="")],
            get_outputs=list,
            run=lambda _, given: self._run(name, len(given["input"])),
        )

    def _run(self, name, count):
        slightly_off = 1.0 if name == CPU.runtime else 1.001
        does = self.running.get(name, slightly_off)
        if isinstance(does, Exception):
            raise does
        answers = does(count) if callable(does) else does * np.tile(ANSWER, (count, 1))
        return [np.asarray(answers, np.float32)]


@pytest.fixture
def open_on(monkeypatch, tmp_path):
    """Opens a network on a fake runtime; gives the session and the runtime."""
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "net.onnx").write_bytes(b"net")
    digest = hashlib.sha256(b"net").hexdigest()
    card = dataclasses.replace(POSE, file="net.onnx", sha256=digest)

    def open_session(available, starting=None, running=None, **more):
        runtime = FakeRuntime([one.runtime for one in available], starting, running)
        for name in ("get_available_providers", "InferenceSession", "preload_dlls"):
            monkeypatch.setattr(session_module.ort, name, getattr(runtime, name))
        return Session(card, tmp_path, **more), runtime

    return open_session


def test_gpus_come_before_the_cpu_and_what_compiles_for_minutes_only_on_request():
    choice = choose(EVERYTHING)
    assert [one.name for one in choice.order] == ["cuda", "directml", "openvino-gpu", "cpu"]
    said = " ".join(choice.refused)
    assert all(
        f"{name} is used on request only" in said for name in ("tensorrt", "coreml", "openvino-cpu")
    )
    assert choose(["CPUExecutionProvider"]).order == (CPU,)


def test_a_provider_of_others_is_never_picked():
    assert choose(["AzureExecutionProvider", "CPUExecutionProvider"]).order == (CPU,)


def test_a_forced_provider_is_the_only_one_tried():
    assert choose(EVERYTHING, "tensorrt").order == (TENSORRT,)
    assert choose(EVERYTHING, "CPU").order == (CPU,)


def test_the_environment_forces_one_unless_the_program_is_told(monkeypatch):
    monkeypatch.setenv(ENVIRONMENT, "openvino-cpu")
    assert choose(EVERYTHING).order == (OPENVINO_CPU,)
    assert choose(EVERYTHING, "cpu").order == (CPU,)
    assert choose(EVERYTHING, "auto").order[0] is CUDA


def test_an_unknown_or_absent_provider_is_refused_with_those_there_are():
    with pytest.raises(ModelError, match="no provider 'vulkan'") as caught:
        choose(EVERYTHING, "vulkan")
    assert all(name in str(caught.value) for name in NAMES)
    with pytest.raises(
        ModelError, match="has no provider 'cuda', it has openvino-gpu, openvino-cpu, cpu"
    ):
        choose([OPENVINO_GPU.runtime, CPU.runtime], "cuda")


def test_options_limit_device_memory_and_ask_for_half_precision_where_it_gains(open_on, tmp_path):
    assert CUDA.options["gpu_mem_limit"] == str(DEVICE_BYTES)
    assert CUDA.options["use_tf32"] == CUDA.options["prefer_nhwc"] == "1"
    _, runtime = open_on([TENSORRT], provider="tensorrt")
    ((_, told, _),) = runtime.started
    assert told["trt_fp16_enable"] == "True"
    assert told["trt_max_workspace_size"] == str(DEVICE_BYTES)
    compiled = tmp_path / "data" / "track_spine" / "compiled" / "tensorrt"
    assert told["trt_engine_cache_path"] == str(compiled)
    assert compiled.is_dir()


def test_the_best_provider_is_used_when_it_works(open_on):
    session, runtime = open_on([CUDA, OPENVINO_GPU])
    session.run(BATCH, ("output",))
    assert session.provider == CUDA.runtime
    assert not session.why_not
    assert [name for name, *_ in runtime.started] == [CUDA.runtime, CPU.runtime]


def test_one_that_cannot_be_started_is_left_with_its_reason(open_on):
    session, _ = open_on(
        [CUDA], starting={CUDA.runtime: RuntimeError("libcudnn.so.9: cannot open\nmore")}
    )
    assert session.provider == CPU.runtime
    assert session.why_not == ["cuda failed: libcudnn.so.9: cannot open"]


def test_one_that_gives_way_to_the_cpu_in_silence_is_found_out(open_on):
    session, _ = open_on([CUDA], starting={CUDA.runtime: CPU.runtime})
    assert session.provider == CPU.runtime
    (said,) = session.why_not
    assert "cuda failed: ONNX Runtime lists it but could not start it" in said


def test_one_that_fails_at_its_first_run_is_left_and_the_answer_still_comes(open_on):
    session, runtime = open_on(
        [CUDA, OPENVINO_GPU], running={CUDA.runtime: RuntimeError("CUBLAS_STATUS_NOT_INITIALIZED")}
    )
    assert session.provider == CUDA.runtime
    (answer,) = session.run(BATCH, ("output",))
    np.testing.assert_allclose(answer, [[1.0, 2.0, 3.0]], rtol=0.01)
    assert session.provider == OPENVINO_GPU.runtime
    (said,) = session.why_not
    assert "CUBLAS_STATUS_NOT_INITIALIZED" in said
    session.run(BATCH, ("output",))
    assert [name for name, *_ in runtime.started] == [
        CUDA.runtime,
        OPENVINO_GPU.runtime,
        CPU.runtime,  # to compare with, once
    ]


def test_one_whose_first_answers_are_no_numbers_is_left(open_on):
    session, _ = open_on([DIRECTML], running={DIRECTML.runtime: np.nan})
    (answer,) = session.run(BATCH, ("output",))
    assert np.isfinite(answer).all()
    assert "not finite" in session.why_not[0]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (lambda n: np.tile(1.2 * ANSWER, (n, 1)), "differ from the CPU's by 0.6, in numbers to 3"),
        (lambda n: np.tile(ANSWER, (n, 1)) * np.arange(1, n + 1)[:, None], "differ from the CPU's"),
        (lambda n: np.tile(ANSWER, (n, 1)), "runs nothing of this network"),
        (lambda n: np.zeros((n, 4)), "another shape"),
    ],
    ids=["wrong", "wrong in a batch", "idle", "misshapen"],
)
def test_one_that_answers_otherwise_than_the_cpu_is_left(open_on, answers, words):
    session, _ = open_on([CUDA], running={CUDA.runtime: answers})
    (answer,) = session.run(BATCH, ("output",))
    np.testing.assert_array_equal(answer, ANSWER)
    assert session.provider == CPU.runtime
    assert words in session.why_not[0]


def test_boxes_in_another_order_are_no_other_answer(open_on):
    session, _ = open_on(
        [CUDA], running={CUDA.runtime: lambda n: np.tile(1.001 * ANSWER[:, ::-1], (n, 1))}
    )
    session.run(BATCH, ("output",))
    assert session.provider == CUDA.runtime


def test_a_failure_later_is_an_error_not_a_change_of_provider(open_on):
    session, runtime = open_on([CUDA])
    session.run(BATCH, ("output",))
    runtime.running[CUDA.runtime] = RuntimeError("out of memory")
    with pytest.raises(ModelError, match="out of memory"):
        session.run(BATCH, ("output",))
    assert session.provider == CUDA.runtime


def test_a_forced_one_that_fails_is_an_error(open_on):
    with pytest.raises(ModelError, match=r"net.onnx on cuda: no driver"):
        open_on([CUDA], starting={CUDA.runtime: RuntimeError("no driver")}, provider="cuda")
    session, _ = open_on([CUDA], running={CUDA.runtime: RuntimeError("lost")}, provider="cuda")
    with pytest.raises(ModelError, match="lost"):
        session.run(BATCH, ("output",))


def test_where_even_the_cpu_fails_its_reason_is_told(open_on):
    broken = {CUDA.runtime: RuntimeError("no driver"), CPU.runtime: RuntimeError("bad model")}
    with pytest.raises(ModelError, match="on cpu: bad model"):
        open_on([CUDA], starting=broken)


def test_libraries_from_python_packages_are_loaded_without_a_word_on_stdout(open_on, capsys):
    _, runtime = open_on([CUDA])
    assert runtime.preloaded
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "looked for libraries\n")
    assert not open_on([OPENVINO_GPU])[1].preloaded


def test_directml_plans_no_memory_ahead(open_on):
    _, runtime = open_on([DIRECTML])
    assert not runtime.started[0][2].enable_mem_pattern


def test_coreml_is_asked_for_by_name(open_on):
    session, _ = open_on([COREML])
    assert session.provider == CPU.runtime
    assert open_on([COREML], provider="coreml")[0].provider == COREML.runtime


def test_threads_are_those_asked_for_or_one_a_core(open_on, monkeypatch):
    monkeypatch.setenv("TRACK_SPINE_THREADS", "5")
    _, runtime = open_on([])
    assert runtime.started[0][2].intra_op_num_threads == 5
    _, runtime = open_on([], threads=3)
    assert runtime.started[0][2].intra_op_num_threads == 3


def test_a_forced_provider_that_is_missing_here_is_refused_by_the_real_runtime():
    with pytest.raises(ModelError, match=r"no provider 'tensorrt', it has .*cpu"):
        Session(POSE, provider="tensorrt")
