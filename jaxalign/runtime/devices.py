"""Prepares JAX for a run: keeps compiled programs between runs, joins several processes, resolves `auto`."""

import json
import os
from contextlib import suppress
from pathlib import Path

from jaxalign.config import Config
from jaxalign.runtime import files, peaks, processes
from jaxalign.runtime.environment import has_bfloat16_instructions
from jaxalign.types import InputError


def prepare(config: Config) -> int:
    """Sets JAX up as the config asks; returns this process's number, 0 for the one that writes the report."""
    import jax

    if config.suite == "plan":  # its programs are compiled in processes of their own, for devices that are not here
        jax.config.update("jax_platforms", "cpu")

    if config.compilation_cache and "JAX_COMPILATION_CACHE_DIR" not in os.environ:  # a user's own setting of JAX holds
        jax.config.update("jax_compilation_cache_dir", str(_cache_folder()))
        # Small programs too: a run has thirty that compile in 40 ms each; all of them take a megabyte.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    if config.debug_nans:
        jax.config.update("jax_debug_nans", True)
    if config.coordinator:
        _join(config)
    return jax.process_index()


def resolve_dtype(dtype: str) -> str:
    """The dtype itself, or for "auto": bfloat16 where the first device multiplies it natively, else float32.

    Native are TPUs, GPUs of compute capability 8.0 or more, and CPUs with bfloat16 instructions.
    """
    if dtype != "auto":
        return dtype
    import jax

    device = jax.local_devices()[0]
    if device.platform == "cpu":
        return "bfloat16" if has_bfloat16_instructions() else "float32"
    capability = float(getattr(device, "compute_capability", None) or 8.0)
    return "bfloat16" if device.platform == "tpu" or capability >= 8.0 else "float32"


def resolve_precision(precision: str) -> str:
    """The precision itself, or for "auto": fast where the first device gains by it, else highest.

    A CPU is not asked: there the list of cells in doubt takes longer than the products (2.6 processor seconds for
    .46 on a Zen 5 with avx512_bf16). Neither are several hosts, which might not measure the same.
    """
    if precision != "auto":
        return precision
    import jax

    device = jax.local_devices()[0]
    if device.platform == "cpu" or not processes.is_single():
        return "highest"
    return peaks.precision_for(_kept_gain(device.device_kind))


def _kept_gain(device_kind: str) -> float:
    """What bfloat16 gains on this kind of device: measured once for each version of JAX, and kept."""
    import jax

    name = "".join(letter if letter.isalnum() else "-" for letter in f"{device_kind} {jax.__version__}")
    path = files.user_cache("precision") / f"{name}.json"
    found = _read_gain(path)
    if found is None:
        found = peaks.bfloat16_gain()
        with suppress(OSError):  # without a cache it is measured in every run
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            files.write_json(path, {"gain": found})
    return found


def _read_gain(path: Path) -> float | None:
    """A kept gain; None where there is none, or none that can be read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["gain"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return float(found) if isinstance(found, int | float) and found > 0 else None


def _cache_folder() -> Path:
    folder = files.user_cache("compiled")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InputError(
            f"Expected a cache folder that can be written, got {folder}: {error.strerror}. Set "
            "XDG_CACHE_HOME, or give --compilation_cache=false."
        ) from error
    return folder


def _join(config: Config) -> None:
    """Joins the processes of a run on several hosts.

    With `auto` JAX reads address, number and count from the environment: on TPU-VMs and GKE, under Slurm (`srun`) and
    under Open MPI (`mpirun`). Raises InputError where the environment names no cluster.
    """
    import jax

    if config.coordinator == "auto":
        try:
            jax.distributed.initialize()
        except ValueError as error:  # "coordinator_address should be defined."
            raise InputError(
                f"Expected a TPU-VM, Slurm, Open MPI or GKE for --coordinator=auto, got none of them ({error}). Start "
                "with srun or mpirun, or give --coordinator=HOST:PORT, --num_processes and --process_id."
            ) from error
    else:
        jax.distributed.initialize(config.coordinator, config.num_processes, config.process_id)
