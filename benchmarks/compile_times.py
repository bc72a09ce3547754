"""How long the compilers of TPUs and GPUs take for each program of a run, without the devices.

    pip install 'jaxalign[tpu]'   (another environment: 'jaxalign[cuda13]')
    JAX_PLATFORMS=cpu python -m benchmarks.compile_times v5e-1 v5e-4 v6e-1 v6e-8     (or h100)

Prints a Markdown table. Processor seconds are those of the whole process that compiles, its imports and lowering too;
unlike seconds they do not depend on what else the machine does. Nothing is read from the cache of earlier compilations.
"""

import os
import resource
import sys
import tempfile
from typing import NamedTuple

from jaxalign.experiment.plan import children, programs, work
from jaxalign.experiment.plan.programs import Extraction, Ranking
from jaxalign.experiment.plan.stages import STAGES, Stage
from jaxalign.runtime.targets import read_target

BUDGET = 4 << 30
# Languages, rows, seeds (queries; orders of shuffled dictionaries), features.
SIZES = {
    "reduce": (7, 4400, 1000, 4096),
    "generalized": (7, 4397, 3000, 1024),
    "neighbourhoods": (2, 50_000, 0, 300),
    "vocabulary_count": (2, 50_000, 0, 300),
    "vocabulary_sweep": (2, 50_000, 50_000, 300),
    "isometry": (7, 1000, 21, 1024),
    "shrunken_choice": (2, 4400, 1000, 4096),
    "shrunken_map": (2, 4400, 1000, 4096),
    "shrunken_plain": (2, 4400, 1000, 4096),
    "moved_map": (2, 4400, 3000, 1024),
    "pair_ranks": (2, 4397, 0, 4096),
}


class Program(NamedTuple):
    """One program of a run at the sizes of the paper, under the words of the table."""

    name: str
    spec: Extraction | Ranking | Stage


def extraction(target: str, model: str, model_parallel: int = 1, decoder: bool = False) -> Program:
    """The last layer of a model of the paper or of `MIXTURE`, batches of 16,384 tokens; or its decoder's first step."""
    raw = (work.packaged() | MIXTURE)[model]
    layers = raw["num_decoder_layers"] if decoder else next(raw[key] for key in _LAYERS if key in raw)
    spec = Extraction(target, raw, "bfloat16", model_parallel, 128, 128, 16, 2048, (layers,), decoder)
    return Program(f"extraction, {model.split('/')[1]}{', first decoder step' if decoder else ''}", spec)


_LAYERS = ("num_hidden_layers", "n_layer", "num_layers")

QWEN = "Qwen/Qwen3-30B-A3B"
# A mixture of experts, of which the paper has none: 128 experts in a layer, of which a token takes 8.
MIXTURE = {QWEN: dict(
    model_type="qwen3_moe", vocab_size=151936, hidden_size=2048, intermediate_size=6144, moe_intermediate_size=768,
    num_hidden_layers=48, num_attention_heads=32, num_key_value_heads=4, head_dim=128, num_experts=128,
    num_experts_per_tok=8, norm_topk_prob=True, max_position_embeddings=40960, rms_norm_eps=1e-6, rope_theta=1e6,
)}  # fmt: skip


def ranking(target: str, features: int, concepts: int = 4397, seeds: int = 3000, **other: str) -> Program:
    """Ranks of all pairs of seven languages, `after` and one null."""
    options = {"completion": "drop", "precision": "highest"} | other
    options["retrievals"] = (options.pop("retrieval", "csls"),)  # type: ignore[assignment]
    spec = Ranking(target, 7, concepts, seeds, features, 2, memory_budget=BUDGET, procrustes="polar", **options)  # type: ignore[arg-type]
    words = ", ".join(("ranks", f"{concepts:,} concepts", f"d {features:,}", *other.values()))
    return Program(words, spec)


def stages(target: str) -> list[Program]:
    """All other programs of a run."""
    return [Program(name.replace("_", ", "), Stage(target, name, *SIZES[name])) for name in STAGES]


def kinds(target: str) -> list[Program]:
    """Retrievals, completions and precisions besides the paper's, small and thin."""
    retrievals = ({"retrieval": name} for name in ("nn", "isf", "margin"))
    other = (*retrievals, {"completion": "identity"}, {"precision": "fast"})
    return [ranking(target, 640, 1000, 400, **one) for one in other]


LLAMA, MT0 = "meta-llama/Llama-2-7b-chat-hf", "bigscience/mt0-large"
PROGRAMS = [
    ranking("v5e-1", 1024), ranking("v5e-1", 4096), *stages("v5e-1"), *kinds("v5e-1"),
    ranking("v5e-4", 1024), extraction("v5e-4", LLAMA, 4), extraction("v5e-8", QWEN, 8),
    ranking("v6e-1", 300, 2000, 1200), extraction("v6e-1", "bigscience/bloomz-1b7"),
    extraction("v6e-1", MT0, decoder=True),
    ranking("v6e-8", 4096), extraction("v6e-8", MT0),
    ranking("h100", 1024), ranking("h100", 4096), ranking("h100", 300, 2000, 1200), *stages("h100"), *kinds("h100"),
    extraction("h100", LLAMA), extraction("h100", "bigscience/mt0-xl"), extraction("h100", MT0, decoder=True),
    extraction("h100", QWEN),
]  # fmt: skip


def line(program: Program) -> str:
    """One line of the table: the program, compiled now."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = programs.compile_apart(program.spec)
    children.stop()  # each program in a process of its own
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    target = program.spec.target
    if answer.error:
        return f"| {program.name} | {target} | {used:.0f} | | | | {answer.error} |"
    gigabytes = (
        f"{answer.argument_bytes / 1e9:.2f} | {answer.temporary_bytes / 1e9:.2f} | {answer.output_bytes / 1e9:.2f}"
    )
    fits = answer.bytes < read_target(target).device.memory_bytes
    found = ", ".join(answer.decompositions) or ("" if fits else "does not fit")
    return f"| {program.name} | {target} | {used:.0f} | {gigabytes} | {found} |"


def main(asked: list[str]) -> None:
    """Prints the table for the asked targets; each may be followed by a colon and a part of a program's name."""
    print(f"Load of the machine at the start: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.\n")
    print("| program | target | processor s | arguments GB | temporaries GB | outputs GB | found |")
    print("|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["XDG_CACHE_HOME"] = folder
        for target, _, part in (one.partition(":") for one in asked):
            for program in PROGRAMS:
                if program.spec.target == target and part in program.name:
                    print(line(program), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
