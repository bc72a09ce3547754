"""The settings that fit a target: how many devices share the weights, how many tokens a batch has."""

from typing import NamedTuple

from jaxalign import models
from jaxalign.experiment.plan import programs
from jaxalign.experiment.plan.programs import Compiled, Extraction
from jaxalign.experiment.plan.work import Work
from jaxalign.models.checkpoint import sharding
from jaxalign.models.parameters import flatten
from jaxalign.runtime.targets import DEVICES, Target, counts_of
from jaxalign.types import InputError

TOKENS = 16384  # tokens of a batch on an accelerator, as `embeddings.extract` takes them
FEWEST_TOKENS = 512
IN_FLIGHT = 3  # outputs that are on the device at once: two batches under way, one being read
USABLE = 0.9  # of a device's memory: the runtime keeps the rest for itself


class Choice(NamedTuple):
    """What fits, and what the compiler says of it."""

    model_parallel: int
    batch_tokens: int
    weight_bytes: int  # per device
    compiled: Compiled


def weight_bytes(config: models.Config, model_parallel: int) -> int:
    """Bytes of the weights on each device."""
    return sharding.bytes_per_device(flatten(models.abstract(config)), model_parallel)


def possible(config: models.Config, target: Target) -> list[int]:
    """The numbers of devices that may share the weights: divisors of the count that leave each a whole head."""
    divisors = [parts for parts in range(1, target.number + 1) if target.number % parts == 0]
    return [parts for parts in divisors if config.heads % parts == 0]


def settings(work: Work, target: Target, *, model_parallel: int = 1, batch_tokens: int = 0, layers: int = 1) -> Choice:
    """The smallest number of devices per copy of the model, and the largest batch, that fit; checked by the compiler.

    A `model_parallel` above 1 or `batch_tokens` above 0 are kept as given. Raises InputError where nothing fits, with
    the nearest target or setting that does.
    """
    room = USABLE * target.device.memory_bytes
    asked = [model_parallel] if model_parallel > 1 else possible(work.config, target)
    if model_parallel > 1 and model_parallel not in possible(work.config, target):
        near = min(possible(work.config, target), key=lambda parts: abs(parts - model_parallel))
        raise InputError(
            f"Expected --model_parallel as a divisor of {target.number} devices and {work.config.heads} heads, got "
            f"{model_parallel}. The nearest is --model_parallel={near}."
        )
    for parts in asked:
        weights = weight_bytes(work.config, parts)
        if weights > room:
            continue
        tokens = batch_tokens or TOKENS
        while tokens >= (batch_tokens or FEWEST_TOKENS):
            found = programs.compile_cached(program(work, target, parts, tokens, layers))
            # Arguments hold the weights and one batch; outputs of earlier batches wait to be read.
            needed = found.bytes + (IN_FLIGHT - 1) * found.output_bytes
            if not found.error and needed <= room:
                return Choice(parts, tokens, weights, found)
            if found.error and "memory" not in found.error.lower() and "RESOURCE_EXHAUSTED" not in found.error:
                raise InputError(f"Expected {work.model} to compile for {target.name}, got: {found.error}.")
            tokens //= 2
    raise InputError(_refusal(work, target, model_parallel, batch_tokens))


def program(work: Work, target: Target, parts: int, tokens: int, layers: int) -> Extraction:
    """The extraction program of a batch of `tokens` slots per copy of the model."""
    rows = max(1, tokens // work.width)
    count = work.config.num_layers
    chosen = tuple(range(count + 1)) if layers > 1 else (count,)
    pooled = min(rows * work.pooled_per_row, rows * work.width)
    return Extraction(
        target.name, work.raw, work.config.dtype, parts, rows, work.width, work.pooled_per_row, pooled, chosen
    )


def _refusal(work: Work, target: Target, model_parallel: int, batch_tokens: int) -> str:
    whole = weight_bytes(work.config, 1)
    got = f"{target.name} with {target.device.memory_bytes / 1e9:,.0f} GB per device"
    got += f" and --model_parallel={model_parallel}" if model_parallel > 1 else ""
    got += f" and --batch_tokens={batch_tokens}" if batch_tokens else ""
    found = nearest(work.config, target)
    hint = f"The nearest that holds the weights is {found}." if found else "No target of the table holds the weights."
    return f"Expected a target that fits {work.model} ({whole / 1e9:,.1f} GB of weights), got {got}. {hint}"


def nearest(config: models.Config, target: Target) -> str:
    """`--target=... --model_parallel=...` of the smallest target that holds the weights in three quarters of a device.

    The same kind of device comes first, then the others of its platform.
    """
    same_platform = [device for device in DEVICES if device.platform == target.device.platform]
    for device in sorted(same_platform, key=lambda other: other.name != target.device.name):
        for count in counts_of(device):
            for parts in possible(config, Target(device, count)):
                if weight_bytes(config, parts) <= 0.75 * device.memory_bytes:
                    return f"--target={Target(device, count).name} --model_parallel={parts}"
    return ""
