"""The settings that fit a target: how many devices share the weights, how many tokens a batch has."""

from typing import NamedTuple

from jaxalign import models
from jaxalign.embeddings import batches, extract
from jaxalign.experiment.plan import programs
from jaxalign.experiment.plan.programs import Compiled, Extraction
from jaxalign.experiment.plan.work import Embedding, Work
from jaxalign.models.checkpoint import sharding
from jaxalign.models.parameters import flatten
from jaxalign.runtime.targets import DEVICES, Target, counts_of
from jaxalign.types import InputError

FEWEST_TOKENS = 512
WAITING = extract.IN_FLIGHT  # outputs of earlier batches that are on the device besides those of the one that runs
USABLE = 0.9  # of a device's memory: the runtime keeps the rest for itself
AMPLE = 0.75  # of that: weights up to here leave enough for a batch; programs up to here vouch for those like them


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


def settings(work: Work, target: Target, *, model_parallel: int = 1, batch_tokens: int = 0) -> Choice:
    """The smallest number of devices per copy of the model, and the largest batch, that fit; checked by the compiler.

    A `model_parallel` above 1 or `batch_tokens` above 0 are kept as given. Raises InputError where nothing fits, with
    the nearest target or setting that does.
    """
    for parts in shares(work, target, model_parallel, batch_tokens):
        tokens = batch_tokens or batches.usual_tokens(work.config, target.device.platform)
        while tokens >= (batch_tokens or FEWEST_TOKENS):
            compiled = _fitting(work, target, parts, tokens)
            if compiled:
                return Choice(parts, tokens, weight_bytes(work.config, parts), compiled)
            tokens //= 2
    raise InputError(_refusal(work, target, model_parallel, batch_tokens))


def shares(work: Work, target: Target, model_parallel: int = 1, batch_tokens: int = 0) -> list[int]:
    """The numbers of devices per copy of the model that hold its weights.

    Where some leave enough for a batch, only those. Raises InputError as `settings` does where there are none; nothing
    is compiled.
    """
    usable = USABLE * target.device.memory_bytes
    every = possible(work.config, target)
    asked = [parts for parts in every if weight_bytes(work.config, parts) <= usable]
    if model_parallel > 1:
        if model_parallel not in every and asked:
            near = min(asked, key=lambda parts: abs(parts - model_parallel))
            raise InputError(
                f"Expected --model_parallel as a divisor of {target.number} devices and {work.config.heads} heads, got "
                f"{model_parallel}. The nearest is --model_parallel={near}."
            )
        asked = [parts for parts in asked if parts == model_parallel]
    if not asked:
        raise InputError(_refusal(work, target, model_parallel, batch_tokens))
    ample = [parts for parts in asked if weight_bytes(work.config, parts) <= AMPLE * usable]
    return ample or asked


def _fitting(work: Work, target: Target, parts: int, tokens: int) -> Compiled | None:
    """What the compiler says of the largest program where all fit the memory of a device; None where one does not.

    The batches of all embeddings have as many slots, so those after the largest are compiled only where that one
    leaves less than a quarter of the memory.
    """
    usable = USABLE * target.device.memory_bytes
    largest = None
    for spec in sorted((program(work, target, part, parts, tokens) for part in work.embeddings), key=_cells)[::-1]:
        found = programs.compile_cached(spec)
        if found.error and "memory" not in found.error.lower() and "RESOURCE_EXHAUSTED" not in found.error:
            raise InputError(f"Expected {work.model} to compile for {target.name}, got: {found.error}.")
        # Arguments hold the weights and one batch; outputs of earlier batches wait to be read.
        needed = found.bytes + WAITING * found.output_bytes
        if found.error or needed > usable:
            return None
        largest = max(largest or found, found, key=lambda each: each.bytes)
        if needed <= AMPLE * usable:
            break
    return largest


def program(work: Work, target: Target, part: Embedding, parts: int, tokens: int) -> Extraction:
    """The extraction program of a batch of `tokens` slots per copy of the model, shared by `parts` devices."""
    copies, depth = target.number // parts, work.config.num_layers
    each = max(1, tokens // (part.plan.width * part.plan.window_rows))
    shape = batches.shape_of(part.plan, part.layers, depth, copies, each, part.decoder)
    return Extraction(
        target.name, work.raw, work.config.dtype, parts, shape.rows // copies, shape.width, shape.row_vectors,
        shape.copy_vectors, shape.layers, shape.decoder, shape.focused, shape.single,
    )  # fmt: skip


def _cells(spec: Extraction) -> int:
    """A measure of the memory of programs of one model: slots, the squares of attention, and vectors."""
    return spec.rows * spec.width * (1 + spec.width) + spec.pooled * len(spec.layers)


def _refusal(work: Work, target: Target, model_parallel: int, batch_tokens: int) -> str:
    whole = weight_bytes(work.config, 1)
    got = f"{target.name} with {target.device.memory_bytes / 1e9:,.0f} GB per device"
    got += f" and --model_parallel={model_parallel}" if model_parallel > 1 else ""
    got += f" and --batch_tokens={batch_tokens}" if batch_tokens else ""
    found = nearest(work.config, target)
    hint = f"The nearest that holds the weights is {found}." if found else "No target of the table holds the weights."
    return f"Expected a target that fits {work.model} ({whole / 1e9:,.1f} GB of weights), got {got}. {hint}"


def nearest(config: models.Config, target: Target) -> str:
    """`--target=... --model_parallel=...` of the smallest target that holds the weights and leaves a quarter free.

    The same kind of device comes first, then the others of its platform.
    """
    same_platform = [device for device in DEVICES if device.platform == target.device.platform]
    for device in sorted(same_platform, key=lambda other: other.name != target.device.name):
        for count in counts_of(device):
            for parts in possible(config, Target(device, count)):
                if weight_bytes(config, parts) <= AMPLE * USABLE * device.memory_bytes:
                    return f"--target={Target(device, count).name} --model_parallel={parts}"
    return ""
