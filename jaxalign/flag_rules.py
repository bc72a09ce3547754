"""Rules that join several flags: which flags a mode reads, which values exclude each other, and how lists are written.

A mode is what a run does: align the spaces of models, align the vectors of --spaces, translate the words of
--dictionary, or a suite. Flags that the mode does not read must keep their default, so that nothing is ignored in
silence.
"""

import re
from dataclasses import fields
from typing import Any, NamedTuple

from jaxalign.types import InputError

WORK_FOLDERS = ("spaces", "ranks", "cache")  # stand next to the runs in --workdir
_TEMPLATES = ("templates", "template_names")
_EXPORTS = ("export_spaces", "export_maps", "export_mapped")
# The groups in which --help lists the flags; modes are sums of them.
GROUPS: dict[str, tuple[str, ...]] = {
    "Models": ("models", "revision", "weights", "weights_cache", "dtype", "batch_tokens", "model_parallel"),
    "Vectors in place of models": ("spaces", "max_vocabulary", "repeated_keys"),
    "Concepts": ("concepts", "languages", "min_depth", "missing"),
    "Seed dictionary and test set": ("split", "splits", "seed_size", "test_size", "seed_sizes"),
    "Seeds that are found": ("seed_dictionary", "refine"),
    "Hidden states": ("embeddings", "contexts", *_TEMPLATES, "pooling", "special_tokens", "layers"),
    "Map": ("settings", "normalize", "map", "shrinkage", "completion", "scale", "translate", "procrustes"),
    "Retrieval": ("retrieval", "csls_k", "candidates", "identical_answers", "precision"),
    "Figures": ("k", "bootstrap", "null_draws", "answers", "controls", "isometry_normalize", "design", "seed"),
    "Word translation with two vocabularies": ("dictionary", "lowercase", "kernel"),
    "The run": ("suite", "workdir", "run_name", "memory_budget", "compilation_cache", "debug_nans"),
    "Exports of a run": _EXPORTS,
    "Before a run": ("dry_run",),
    "Several hosts": ("coordinator", "num_processes", "process_id"),
    "Plan": ("target",),
    "Throughput suites": ("sizes", "repeats", "texts", "compare"),
}
_RUN = (*GROUPS["The run"], *GROUPS["Several hosts"], "seed")
_ALIGNMENT = (
    *GROUPS["Concepts"],
    *GROUPS["Seed dictionary and test set"],
    *GROUPS["Seeds that are found"],
    *GROUPS["Map"],
    *GROUPS["Retrieval"],
    *GROUPS["Figures"],
    *_EXPORTS,
    "dry_run",
    *_RUN,
)
# Mode -> the flags that it reads.
MODES: dict[str, frozenset[str]] = {
    "models": frozenset((*GROUPS["Models"], *GROUPS["Hidden states"], *_ALIGNMENT)),
    "--spaces": frozenset((*GROUPS["Vectors in place of models"], *_ALIGNMENT)) - {"design"},
    "--dictionary": frozenset(
        "spaces max_vocabulary repeated_keys languages dictionary seed_dictionary refine settings normalize procrustes "
        "completion retrieval csls_k k bootstrap null_draws lowercase kernel".split()
    )
    | frozenset(_RUN),
    # A plan reads the flags of the run that it plans; those that change no shape are allowed too.
    "--suite=plan": frozenset(("target", *GROUPS["Models"], *GROUPS["Hidden states"], *_ALIGNMENT)),
    "--suite=embed": frozenset(
        "models weights dtype model_parallel batch_tokens embeddings pooling layers repeats texts compare".split()
    )
    | frozenset(_RUN) - {"memory_budget"},
    "--suite=kernels": frozenset("sizes languages settings dtype precision candidates repeats compare".split())
    | frozenset(_RUN),
}
# Flag that opens a mode of its own -> what to add so that it is read.
_OPENED_BY = {
    "lowercase": "--dictionary",
    "kernel": "--dictionary",
    "max_vocabulary": "--spaces",
    "repeated_keys": "--spaces",
    "target": "--suite=plan",
    "sizes": "--suite=kernels",
    "repeats": "--suite=kernels or --suite=embed",
    "compare": "--suite=kernels or --suite=embed",
    "texts": "--suite=embed",
}


def mode_of(config: Any) -> str:
    """The mode of a Config, a key of MODES."""
    if config.suite != "alignment":
        return f"--suite={config.suite}"
    return "--dictionary" if config.dictionary else "--spaces" if config.spaces else "models"


def check(config: Any) -> None:
    """Raises InputError where the flags of a Config contradict each other or its mode does not read one of them."""
    _check_mode(config)
    _check_revisions(config)
    _check_dictionary(config)
    _check_found_seeds(config)
    _check_concepts(config)
    _check_processes(config)
    _check_run_name(config.run_name)
    for name in ("normalize", "isometry_normalize"):
        steps = getattr(config, name)
        if "none" in steps and len(steps) > 1:
            raise InputError(f"Expected --{name}=none without other steps, got {','.join(steps)!r}.")
    if "context" in config.embeddings and config.suite == "embed":
        raise InputError("Expected --embeddings of vanilla and prompt with --suite=embed, got context. Leave it out.")
    if config.translate and (config.map == "shrunken" or {"shrunken", "shrunken_null"} & set(config.settings)):
        raise InputError("Expected no --translate with a shrunken map, which is a rotation, got both. Drop one.")
    if "all" in config.pooling and len(config.pooling) > 1:
        raise InputError(f"Expected --pooling=all without others, got {','.join(config.pooling)}. Drop the others.")
    if config.map == "shrunken" and (config.export_maps or config.export_mapped):
        raise InputError(
            "Expected no --export_maps or --export_mapped with --map=shrunken: they write the map of `after`. Got "
            "both. Drop the export, or write --settings=before,after,shrunken in place of --map=shrunken."
        )
    if list(config.shrinkage) != sorted(config.shrinkage):
        raise InputError(f"Expected --shrinkage in ascending order, got {shown(config.shrinkage)}. Sort the values.")
    if config.suite == "plan" and not config.target:
        raise InputError("Expected --target with --suite=plan, got none. Give one such as --target=v5e-8.")
    parse_layers(config.layers)
    for size in config.sizes:
        parse_size(size)


def changed(config: Any) -> dict[str, Any]:
    """Flag -> value of all that differ from their defaults."""
    values = {option.name: getattr(config, option.name) for option in fields(config)}
    return {option.name: values[option.name] for option in fields(config) if values[option.name] != option.default}


def notes(config: Any) -> list[str]:
    """One sentence for each flag that has no effect next to the values of others, to be shown at the start."""
    found = bool(config.seed_dictionary or config.refine)
    nulls = {"null", "shrunken_null", "ceiling_null", "isometry", "spectrum"}
    drawn = found or nulls & {*config.settings, *config.controls}
    fitted = set(config.settings) != {"before"} or "gpa" in config.controls or found
    fitted = fitted or config.export_maps or bool(config.export_mapped)
    rotated = fitted and (config.map == "orthogonal" or "gpa" in config.controls)
    builtin = config.concepts in ("builtin", "wordnet") and config.contexts in ("", "carrier", "wordnet")
    rules = (
        *((name, "--settings=after or another with a map", fitted) for name in ("map", "translate", "seed_sizes")),
        *((name, "--map=orthogonal and a setting with a map", rotated) for name in ("completion", "procrustes")),
        ("scale", "--translate and --map=orthogonal (no cosine depends on it)", rotated and config.translate),
        ("weights_cache", "--weights=pretrained", config.weights == "pretrained"),
        ("csls_k", "--retrieval=csls", "csls" in config.retrieval or found),
        ("null_draws", "--settings=null, shrunken_null or ceiling_null, or --controls=isometry or spectrum", drawn),
        ("shrinkage", "--settings=shrunken", {"shrunken", "shrunken_null"} & set(config.settings)),
        ("isometry_normalize", "--controls=isometry", "isometry" in config.controls),
        *((name, "--embeddings=prompt", "prompt" in config.embeddings) for name in _TEMPLATES),
        ("special_tokens", "--pooling=mean or auto", set(config.pooling) - {"last", "concept", "decoder"}),
        ("min_depth", "--concepts=wordnet", config.concepts == "wordnet"),
        ("missing", "a file of --concepts or --contexts", not builtin),
    )
    given = changed(config)
    without = [(f"{name}={shown(given[name])}", needed) for name, needed, works in rules if name in given and not works]
    if set(config.settings) <= {"ceiling", "ceiling_null"}:
        other = "--settings=before, after or null"
        scored = [name for name in ("hubness", "confounds", "bitext") if name in config.controls]
        without += [(f"controls={name}", other) for name in scored]
    return [f"--{flag} has no effect without {needed}" for flag, needed in without]


def shown(value: Any) -> str:
    """A value as it is written on the command line."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _check_mode(config: Any) -> None:
    mode = mode_of(config)
    for name, value in changed(config).items():
        if name in MODES[mode]:
            continue
        if mode != "models":
            where, remedy = f"with {mode}", f"Drop --{name}, or drop {mode}."
        elif name in _OPENED_BY:
            where, remedy = f"without {_OPENED_BY[name]}", f"Drop --{name}, or add {_OPENED_BY[name]}."
        raise InputError(f"Expected no --{name} {where}, which does not use it, got {shown(value)}. {remedy}")


def _check_revisions(config: Any) -> None:
    named = [name for name in config.models if "@" in name]
    if named and config.revision:
        raise InputError(
            f"Expected --revision or a revision in --models, got --revision={config.revision} and {named[0]}. "
            "Drop --revision, or the part from '@' on."
        )


def _check_dictionary(config: Any) -> None:
    if mode_of(config) != "--dictionary":
        return
    if len(config.languages) != 2 or not config.spaces or not config.seed_dictionary:
        raise InputError(
            "Expected --spaces, two --languages and --seed_dictionary with --dictionary, got "
            f"--spaces={config.spaces} --languages={','.join(config.languages)} "
            f"--seed_dictionary={config.seed_dictionary}. Give all three."
        )
    for name, known in (("settings", ("before", "after", "null")), ("retrieval", ("csls", "nn"))):
        others = [item for item in getattr(config, name) if item not in known]
        if others and name in changed(config):
            raise InputError(
                f"Expected --{name} of {', '.join(known)} with --dictionary, got {','.join(others)}. "
                f"Drop {','.join(others)} from --{name}."
            )


def _check_found_seeds(config: Any) -> None:
    if config.dictionary or not (config.seed_dictionary or config.refine):
        return
    if config.seed_dictionary not in ("", "identical"):
        said = f"Expected --seed_dictionary=identical without --dictionary, got {config.seed_dictionary}"
        raise InputError(f"{said}. Drop --seed_dictionary, add --dictionary, or name the seeds in --split.")
    name = "translate" if config.translate else "map"
    if config.translate or config.map not in ("orthogonal", "shrunken"):
        said = f"Expected no --{name} with --seed_dictionary or --refine, whose maps are orthogonal"
        raise InputError(f"{said}, got {shown(getattr(config, name))}. Drop --{name}.")


def _check_concepts(config: Any) -> None:
    for name in ("splits", "seed_size", "test_size") if config.split else ():
        if name in changed(config):
            raise InputError(
                f"Expected no --{name} with --split={config.split}, got {getattr(config, name)}. Drop one of the two."
            )
    if len(config.languages) < 2 and config.languages != ("auto",):
        raise InputError(f"Expected at least two --languages, got {','.join(config.languages)!r}.")
    for name, codes in (("languages", config.languages), ("export_mapped", (config.export_mapped or "en",))):
        for code in codes:
            if not re.fullmatch(r"\w+([-_]\w+)*", code):
                raise InputError(f"Expected --{name} as codes such as en or zh-Hans, got {code!r}.")


def _check_processes(config: Any) -> None:
    port = config.coordinator.rpartition(":")[2]
    if not re.fullmatch(r"(auto|\S+:\d{1,5})?", config.coordinator) or port.isdigit() and not 0 < int(port) < 2**16:
        raise InputError(f"Expected --coordinator as HOST:PORT or auto, got {config.coordinator!r}.")
    if config.num_processes > 1 and not config.coordinator:
        raise InputError(
            f"Expected --coordinator=HOST:PORT with --num_processes={config.num_processes}, got none. "
            "Add the address of the first process."
        )
    if config.process_id >= config.num_processes:
        raise InputError(
            f"Expected --process_id below --num_processes={config.num_processes}, got {config.process_id}."
        )


def _check_run_name(name: str) -> None:
    is_folder_name = re.fullmatch(r"([\w-][\w .-]{0,79})?", name)
    if not is_folder_name or name.endswith((".partial", " ", ".")) or name in WORK_FOLDERS:
        raise InputError(
            "Expected --run_name as the name of one folder, of at most 80 letters, digits, '-', '_' and '.', none of "
            f"{', '.join(WORK_FOLDERS)}, got {name!r}. Use --workdir to say where the folder is."
        )


def parse_layers(text: str) -> str | tuple[int | str, ...]:
    """`last`, `all`, or the items of a comma list: numbers, ranges such as 0-4, `middle` and `last`."""
    if text.strip() in ("last", "all"):
        return text.strip()
    layers: list[int | str] = []
    for item in text.split(","):
        numbers = re.fullmatch(r"([0-9]{1,4})(?:-([0-9]{1,4}))?", item.strip())
        if item.strip() in ("middle", "last"):
            layers.append(item.strip())
        elif numbers and int(numbers[1]) <= int(numbers[2] or numbers[1]):
            layers += range(int(numbers[1]), int(numbers[2] or numbers[1]) + 1)
        else:
            layers.append("")
    if "" in layers or len(set(layers)) < len(layers):
        raise InputError(
            f"Expected --layers as last, all, or distinct numbers, ranges, middle and last, got {text[:80]!r}. "
            "Write for example --layers=0-4,middle,last."
        )
    return tuple(layers)


def layer_numbers(text: str, depth: int) -> str | tuple[int, ...]:
    """`last`, `all` or the layer numbers of --layers in a model of `depth` blocks, whose middle is depth // 2."""
    parsed = parse_layers(text)
    if isinstance(parsed, str):
        return parsed
    places = {"middle": depth // 2, "last": depth}
    numbers = [places[layer] if isinstance(layer, str) else layer for layer in parsed]
    if max(numbers) > depth:
        raise InputError(f"Expected --layers from 0 to {depth}, got {max(numbers)}. Lower it.")
    return tuple(dict.fromkeys(numbers))


class Size(NamedTuple):
    """A size of the kernels suite."""

    train: int
    test: int
    dimension: int


def parse_size(text: str) -> Size:
    """The size that `TRAINxTESTxDIMENSION` names."""
    parts = text.split("x")
    if len(parts) != 3 or not all(p.isascii() and p.isdigit() and len(p) < 8 and int(p) > 0 for p in parts):
        raise InputError(f"Expected --sizes as TRAINxTESTxDIMENSION such as 1000x2000x1024, got {text!r}.")
    return Size(*map(int, parts))
