# SPDX-License-Identifier: GPL-3.0-or-later
"""Joints of exported files, read without Blender: glTF by its specification, USD by its library.

Run by exports.py: .venv-bench/bin/python benchmarks/second_readers.py FILE..., which writes
FILE.npz beside each, as read_back.py does.
"""

import json
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation, Slerp

Floats = NDArray[np.float64]

Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""From Y up, facing +Z, to Z up, facing -Y."""


def read_glb(path: Path) -> dict[str, Any]:
    """Play the only animation of a binary glTF file.

    Args:
        path: The file, its curves straight lines with keys at the same times.

    Returns:
        Names, parents, the times of the keys and the joints (T, J, 3), Z up.

    Source:
        The glTF 2.0 specification, sections 3.5 (nodes), 3.11 (animations) and 4.4 (GLB).
    """
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    content, binary = json.loads(data[20 : 20 + length]), data[28 + length :]
    nodes = content["nodes"]
    (animation,) = content["animations"]
    time_s = max((_accessor(content, binary, s["input"]) for s in animation["samplers"]), key=len)
    local = [_local(node, len(time_s)) for node in nodes]
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        at = _accessor(content, binary, sampler["input"])
        values = _accessor(content, binary, sampler["output"])
        target = channel["target"]
        local[target["node"]][target["path"]] = _sample(target["path"], at, values, time_s)
    parents = {child: n for n, node in enumerate(nodes) for child in node.get("children", ())}
    world: dict[int, Floats] = {}

    def place(number: int) -> Floats:
        if number not in world:
            matrix = _matrix(local[number])
            world[number] = place(parents[number]) @ matrix if number in parents else matrix
        return world[number]

    joints = content["skins"][0]["joints"]
    return {
        "names": [nodes[n]["name"] for n in joints],
        "parents": [nodes[parents[n]]["name"] if parents[n] in joints else "" for n in joints],
        "time_s": time_s,
        "xyz_m": np.stack([place(n)[:, :3, 3] for n in joints], axis=1) @ Z_UP.T,
    }


def _accessor(content: dict[str, Any], binary: bytes, number: int) -> Floats:
    accessor = content["accessors"][number]
    view = content["bufferViews"][accessor["bufferView"]]
    begin = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]]
    values = np.frombuffer(binary, "<f4", accessor["count"] * width, begin).astype(np.float64)
    return values if width == 1 else values.reshape(-1, width)


def _local(node: dict[str, Any], count: int) -> dict[str, Floats]:
    rest = {"translation": (0.0, 0.0, 0.0), "rotation": (0.0, 0.0, 0.0, 1.0), "scale": (1.0,) * 3}
    return {name: np.tile(node.get(name, value), (count, 1)) for name, value in rest.items()}


def _sample(path: str, at: Floats, values: Floats, time_s: Floats) -> Floats:
    if len(at) == 1:
        return np.tile(values, (len(time_s), 1))
    if path == "rotation":
        turns = Slerp(at, Rotation.from_quat(values))
        return np.asarray(turns(np.clip(time_s, at[0], at[-1])).as_quat())
    return np.stack([np.interp(time_s, at, column) for column in values.T], axis=-1)


def _matrix(parts: dict[str, Floats]) -> Floats:
    matrix = np.tile(np.eye(4), (len(parts["rotation"]), 1, 1))
    turn = Rotation.from_quat(parts["rotation"]).as_matrix()
    matrix[:, :3, :3] = turn * parts["scale"][:, None, :]
    matrix[:, :3, 3] = parts["translation"]
    return matrix


def read_usd(path: Path) -> dict[str, Any]:
    """Play the only skeleton of a USD file with Pixar's library.

    Args:
        path: The file, Z up.

    Returns:
        Names, parents, the file's whole frames in seconds and the joints (T, J, 3) then.
    """
    from pxr import Usd, UsdGeom, UsdSkel

    stage = Usd.Stage.Open(str(path))
    (skeleton,) = (UsdSkel.Skeleton(p) for p in stage.Traverse() if p.IsA(UsdSkel.Skeleton))
    (animation,) = (UsdSkel.Animation(p) for p in stage.Traverse() if p.IsA(UsdSkel.Animation))
    # Blender puts no SkelRoot around a skeleton without meshes, so the cache cannot pair the two.
    query = UsdSkel.Cache().GetAnimQuery(animation)
    bones = [bone.split("/") for bone in query.GetJointOrder()]
    topology = UsdSkel.Topology(query.GetJointOrder())
    codes = np.arange(stage.GetStartTimeCode(), stage.GetEndTimeCode() + 1.0)
    joints = []
    for code in codes:
        place = UsdGeom.XformCache(code).GetLocalToWorldTransform(skeleton.GetPrim())
        local = query.ComputeJointLocalTransforms(code)
        matrices = np.array(UsdSkel.ConcatJointTransforms(topology, local))
        joints.append((matrices @ np.array(place))[:, 3, :3])
    return {
        "names": [bone[-1] for bone in bones],
        "parents": [["", *bone][-2] for bone in bones],
        "time_s": codes / stage.GetTimeCodesPerSecond(),
        "xyz_m": np.array(joints),
    }


if __name__ == "__main__":
    for file in map(Path, sys.argv[1:]):
        np.savez(f"{file}.npz", **(read_glb(file) if file.suffix == ".glb" else read_usd(file)))
