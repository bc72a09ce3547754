"""Prepares JAX for a run: keeps compiled programs between runs, joins several processes, catches NaNs when asked."""

import os
from pathlib import Path

from jaxalign.config import Config
from jaxalign.types import InputError


def prepare(config: Config) -> int:
    """Sets JAX up as the config asks; returns this process's number, 0 for the one that writes the report."""
    import jax

    if config.suite == "plan":  # its programs are compiled in processes of their own, for devices that are not here
        jax.config.update("jax_platforms", "cpu")

    if config.compilation_cache:
        jax.config.update("jax_compilation_cache_dir", str(_cache_folder()))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
    if config.debug_nans:
        jax.config.update("jax_debug_nans", True)
    if config.coordinator:
        _join(config)
    return jax.process_index()


def resolve_dtype(name: str) -> str:
    """The dtype that `auto` stands for: bfloat16 on accelerators, float32 on a CPU; any other name as it is."""
    import jax

    if name != "auto":
        return name
    return "float32" if jax.default_backend() == "cpu" else "bfloat16"


def _cache_folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(root) / "jaxalign" / "compiled"
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
