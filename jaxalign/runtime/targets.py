"""Devices that a run can be compiled for without having one: their published figures, and their compilers.

Both accelerator compilers of XLA run on a machine without the device: libtpu (extra `tpu`) for TPUs, the CUDA plugin
(extra `cuda13`) for GPUs. What they refuse, the memory they need and the time they take is known before a machine is
rented. Peaks and bandwidths are the publishers' figures: upper bounds, not promises.
"""

import os
import re
from typing import NamedTuple

import jax
import numpy as np
from jax.sharding import AxisType, Mesh

from jaxalign.runtime import peaks
from jaxalign.types import InputError

GB = 10**9
TERA = 10**12


class Device(NamedTuple):
    """One accelerator chip, or one machine without an accelerator."""

    name: str
    platform: str  # "tpu", "gpu" or "cpu"
    memory_bytes: int  # of the device
    bfloat16_flops: float  # per second, dense products
    float32_flops: float  # per second, products at full precision
    bandwidth_bytes: float  # per second, between the device and its memory
    most: int  # devices of one host or slice that this table knows
    source: str


class Target(NamedTuple):
    """Some devices of one kind, as in `v5e-8`."""

    device: Device
    number: int  # of devices

    @property
    def name(self) -> str:
        """What `--target` takes."""
        return f"{self.device.name}-{self.number}" if self.number > 1 else self.device.name


# A TPU's matrix unit multiplies bfloat16. XLA makes a product of float32 at the highest precision from six of them.
TPU_FLOAT32 = 1 / 6
DEVICES = (
    Device("v4", "tpu", 32 * GB, 275 * TERA, 275 * TERA * TPU_FLOAT32, 1228 * GB, 64,
           "Google Cloud documentation, TPU v4: 275 TFLOP/s bf16, 32 GiB HBM2, 1,228 GB/s per chip"),
    Device("v5e", "tpu", 16 * GB, 197 * TERA, 197 * TERA * TPU_FLOAT32, 819 * GB, 256,
           "Google Cloud documentation, TPU v5e: 197 TFLOP/s bf16, 16 GB HBM2, 819 GB/s per chip"),
    Device("v5p", "tpu", 95 * GB, 459 * TERA, 459 * TERA * TPU_FLOAT32, 2765 * GB, 64,
           "Google Cloud documentation, TPU v5p: 459 TFLOP/s bf16, 95 GB HBM2e, 2,765 GB/s per chip"),
    Device("v6e", "tpu", 32 * GB, 918 * TERA, 918 * TERA * TPU_FLOAT32, 1640 * GB, 256,
           "Google Cloud documentation, TPU v6e: 918 TFLOP/s bf16, 32 GB HBM, 1,640 GB/s per chip"),
    Device("a100", "gpu", 80 * GB, 312 * TERA, 19.5 * TERA, 2039 * GB, 8,
           "NVIDIA A100 80GB SXM data sheet: 312 TFLOP/s bf16 dense, 19.5 TFLOP/s float32, 2,039 GB/s"),
    Device("h100", "gpu", 80 * GB, 989 * TERA, 67 * TERA, 3350 * GB, 8,
           "NVIDIA H100 SXM data sheet: 989 TFLOP/s bf16 dense, 67 TFLOP/s float32, 3.35 TB/s"),
    Device("h200", "gpu", 141 * GB, 989 * TERA, 67 * TERA, 4800 * GB, 8,
           "NVIDIA H200 SXM data sheet: 989 TFLOP/s bf16 dense, 67 TFLOP/s float32, 4.8 TB/s"),
    Device("l4", "gpu", 24 * GB, 121 * TERA, 30.3 * TERA, 300 * GB, 8,
           "NVIDIA L4 data sheet: 121 TFLOP/s bf16 dense, 30.3 TFLOP/s float32, 300 GB/s"),
    Device("cpu", "cpu", 16 * GB, 0.4 * TERA, 0.4 * TERA, 50 * GB, 1,
           "an assumed laptop: four cores with AVX2 at 3 GHz (0.4 TFLOP/s float32), 16 GB of dual-channel DDR4"),
)  # fmt: skip

# Chips -> topology of a slice, from the tables of the Google Cloud documentation.
FLAT = {1: "1x1", 4: "2x2", 8: "2x4", 16: "4x4", 32: "4x8", 64: "8x8", 128: "8x16", 256: "16x16"}
CUBIC = {4: "2x2x1", 8: "2x2x2", 16: "2x2x4", 32: "2x4x4", 64: "4x4x4"}

# XLA's GpuTargetConfigProto. Shared memory, registers and caches from the CUDA C++ programming guide, table of compute
# capabilities, and the data sheets above.
_GPU_PROTO = """gpu_device_info {{ threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152
shared_memory_per_core: {shared} threads_per_core_limit: {threads} core_count: {cores} fpus_per_core: 128
block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535 memory_bandwidth: {bandwidth}
l2_cache_size: {cache} clock_rate_ghz: {clock} device_memory_size: {memory} shared_memory_per_block_optin: {optin}
cuda_compute_capability {{ major: {major} minor: {minor} }} registers_per_core_limit: 65536
registers_per_block_limit: 65536 }} platform_name: "CUDA" dnn_version_info {{ major: 9 minor: 8 }}
runtime_version {{ major: 13 }} device_description_str: "{label}" """
_GPU_FACTS = {
    "a100": dict(shared=167936, threads=2048, cores=108, cache=41943040, clock=1.41, optin=166912, major=8, minor=0,
                 label="NVIDIA A100-SXM4-80GB"),
    "h100": dict(shared=233472, threads=2048, cores=132, cache=52428800, clock=1.98, optin=232448, major=9, minor=0,
                 label="NVIDIA H100 80GB HBM3"),
    "h200": dict(shared=233472, threads=2048, cores=132, cache=52428800, clock=1.98, optin=232448, major=9, minor=0,
                 label="NVIDIA H200"),
    "l4": dict(shared=102400, threads=1536, cores=58, cache=50331648, clock=2.04, optin=101376, major=8, minor=9,
               label="NVIDIA L4"),
}  # fmt: skip


def read_target(text: str) -> Target:
    """The target that `--target` names: a device, or a device and a number of them, such as h100 or v5e-8.

    Raises InputError for a device that the table does not hold, or a number that is no slice of it.
    """
    known = {device.name: device for device in DEVICES}
    name, _, number = text.partition("-")
    if name not in known or number and not re.fullmatch(r"[1-9]\d{0,3}", number):
        raise InputError(
            f"Expected --target as one of {', '.join(known)}, with -N for N devices, got {text!r}. Fix --target."
        )
    device, count = known[name], int(number or smallest(known[name]))
    counts = counts_of(device)
    if count not in counts:
        nearest = min(counts, key=lambda other: abs(other - count))
        raise InputError(
            f"Expected --target={name}-N with N of {', '.join(map(str, counts))}, got {text!r}. "
            f"The nearest is {name}-{nearest}."
        )
    return Target(device, count)


def resolve_dtype(dtype: str, target: Target) -> str:
    """The dtype itself, or for "auto" that of a run on the target: every accelerator of the table has bfloat16."""
    if dtype != "auto":
        return dtype
    return "float32" if target.device.platform == "cpu" else "bfloat16"


def resolve_precision(precision: str, target: Target) -> str:
    """The precision itself, or for "auto" what the published peaks say: a run on the target measures it."""
    device = target.device
    if precision != "auto":
        return precision
    gain = device.bfloat16_flops / (3 * device.float32_flops)
    return "highest" if device.platform == "cpu" else peaks.precision_for(round(gain, 6))


def counts_of(device: Device) -> tuple[int, ...]:
    """The numbers of devices that make a slice or a host."""
    if device.platform == "tpu":
        table = CUBIC if device.name in ("v4", "v5p") else FLAT
        return tuple(count for count in table if count <= device.most)
    return tuple(count for count in (1, 2, 4, 8) if count <= device.most)


def smallest(device: Device) -> int:
    """The smallest number of devices that can be had."""
    return counts_of(device)[0]


def description(target: Target) -> str:
    """What the compiler is told of the target: the topology of a TPU slice, the properties of a GPU."""
    device, count = target
    if device.platform == "tpu":
        return f"{device.name}:{(CUBIC if device.name in ('v4', 'v5p') else FLAT)[count]}"
    if device.platform == "gpu":
        facts = _GPU_FACTS[device.name]
        return _GPU_PROTO.format(**facts, bandwidth=int(device.bandwidth_bytes), memory=device.memory_bytes)
    return device.name


def devices(target: Target) -> np.ndarray:
    """Abstract devices of the target, for a mesh that programs are compiled on; nothing can run on them.

    Raises InputError where the compiler of the platform is not installed.
    """
    from jax.experimental import topologies

    device, count = target
    if device.platform == "cpu":
        return np.array(jax.devices("cpu")[:1])
    try:
        if device.platform == "tpu":
            os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")  # no machine of Google's is asked who we are
            # Only chips need the lock that libtpu holds; compilers without one may run at the same time.
            os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")
            name = description(target)
            sides = [int(side) for side in name.partition(":")[2].split("x")]
            bounds = [*sides, *[1] * (3 - len(sides))]
            found = topologies.get_topology_desc(platform="tpu", topology_name=name, chips_per_host_bounds=bounds)
        else:
            found = topologies.get_topology_desc(
                platform="cuda", topology_name="", target_config=description(target), topology=f"1x1x{count}"
            )
    except (RuntimeError, NotImplementedError, ImportError, ValueError) as error:
        extra = "tpu" if device.platform == "tpu" else "cuda13"
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"Expected the compiler for --target={target.name}, got: {said}. "
            f"Install it with pip install 'jaxalign[{extra}]', in a virtual environment of its own."
        ) from error
    return np.array(found.devices)


def mesh_of(target: Target, model_parallel: int = 1) -> Mesh:
    """The mesh ("data", "model") over the target's abstract devices, as a run on them would make it."""
    grid = devices(target).reshape(target.number // model_parallel, model_parallel)
    return Mesh(grid, ("data", "model"), axis_types=(AxisType.Auto,) * 2)
