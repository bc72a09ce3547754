"""What a result depends on besides its flags: versions, processor, devices, and how much memory was used."""

import os
import platform
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from importlib import metadata
from typing import Any

_LIBRARIES = ("jaxalign", "jax", "jaxlib", "flax", "numpy", "transformers", "orbax-checkpoint", "safetensors", "nltk")

_TARGET: ContextVar[str] = ContextVar("target", default="")


def backend() -> str:
    """The platform that programs are made for, such as "cpu": that of `made_for`, else that of JAX's first device."""
    import jax

    return _TARGET.get() or jax.default_backend()


@contextmanager
def made_for(platform: str) -> Iterator[None]:
    """Inside, programs are made for devices of this platform, which need not be here."""
    token = _TARGET.set(platform)
    try:
        yield
    finally:
        _TARGET.reset(token)


def environment(dtype: str = "float32", precision: str = "highest") -> dict[str, Any]:
    """Versions, system, devices, dtype and precision as plain JSON values; names neither the user nor the machine."""
    import jax

    devices = jax.devices()
    versions = {name: version(name) for name in _LIBRARIES}
    return {
        "python": platform.python_version(),
        "versions": {name: version for name, version in versions.items() if version},
        "system": platform.system(),
        "processor": processor(),
        "cores": cores(),
        "platform": devices[0].platform,
        "device_kind": devices[0].device_kind,
        "device_count": len(devices),
        "process_count": jax.process_count(),
        "dtype": dtype,
        "precision": precision,
        "bfloat16_instructions": has_bfloat16_instructions(),
        "x64": bool(jax.config.values["jax_enable_x64"]),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
    }


def peak_memory() -> dict[str, int]:
    """Most bytes held so far: `host_bytes` (resident), and `device_bytes` of the fullest device that reports it."""
    unit = 1 if sys.platform == "darwin" else 1024
    peak = {"host_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit}
    if "jax" in sys.modules:
        stats = [device.memory_stats() or {} for device in sys.modules["jax"].local_devices()]
        if used := [stat["peak_bytes_in_use"] for stat in stats if "peak_bytes_in_use" in stat]:
            peak["device_bytes"] = max(used)
    return peak


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def processor() -> str:
    """The processor's model name, as the system gives it."""
    if os.path.exists("/proc/cpuinfo"):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


@lru_cache(maxsize=1)
def has_bfloat16_instructions() -> bool:
    """Whether the processor multiplies bfloat16 matrices itself (x86: avx512_bf16, amx_bf16; Arm: bf16)."""
    if not os.path.exists("/proc/cpuinfo"):
        return False
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        flags = next((line for line in file if line.startswith(("flags", "Features"))), "")
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(flags.partition(":")[2].split())


def version(library: str) -> str | None:
    """The installed version of a distribution, None where it is not installed."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None
