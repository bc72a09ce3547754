"""Every setting of a run, once: name, default, meaning and what is allowed. The command line and Python share it."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

from jaxalign.types import InputError

INT32 = 2**31 - 1
POSITIVE = (1, INT32)
COUNT = (0, INT32)
WORK_FOLDERS = ("spaces", "ranks", "cache")  # beside the runs in --workdir


def _option(default: Any, meaning: str, *, choices: Sequence[str] = (), bounds=None, items: Callable = str) -> Any:
    meta = {"help": meaning, "choices": tuple(choices), "bounds": bounds, "items": items}
    return field(default=default, metadata=meta)


@dataclass(frozen=True)
class Config:
    """The settings of one run; field names are flag names. Tuples are comma lists on the command line."""

    suite: str = _option(
        "alignment",
        "what to run: alignment (concepts to report), embed (extraction throughput) or kernels (alignment throughput)",
        choices=("alignment", "embed", "kernels"),
    )
    # what is compared
    models: tuple[str, ...] = _option(("demo",), "hub ids, local folders in Hugging Face format, or demo")
    revision: str = _option("", "hub revision of the models (branch, tag or commit); empty: the default branch")
    weights: str = _option(
        "pretrained",
        "pretrained, or random: the same architecture untrained, as a control",
        choices=("pretrained", "random"),
    )
    weights_cache: str = _option(
        "", "folder that keeps converted weights (Orbax), restored straight into their sharding"
    )
    spaces: str = _option(
        "",
        "folder of vectors keyed by concept id, used in place of --models: LANG.vec, LANG.vec.gz, LANG.bin (word2vec's "
        "binary format) or LANG.npy with LANG.keys",
    )
    max_vocabulary: int = _option(0, "words to read from the beginning of each file of --spaces; 0: all", bounds=COUNT)
    repeated_keys: str = _option(
        "refuse", "keys that come twice in a file of --spaces: refuse, or first to keep the first",
        choices=("refuse", "first"),
    )
    concepts: str = _option(
        "builtin",
        "builtin (a lexicon in the package), wordnet (through nltk), or the path of a TSV "
        "with columns id, kind and one a language",
    )
    languages: tuple[str, ...] = _option(
        ("auto",),
        "ISO 639-1 codes in the order of the tables; auto: en,fr,ro,eu,fi,ja,th, or all that --spaces or a TSV holds",
    )
    min_depth: int = _option(
        5, "smallest depth (edges to the root) of a WordNet synset; removes the top levels", bounds=COUNT
    )
    split: str = _option("", 'JSON file {"seed": [...], "test": [...]} of concept ids; empty: a seeded, balanced split')
    splits: int = _option(
        1, "number of random splits; every figure is then given per split and over splits", bounds=(1, 1000)
    )
    seed_size: int = _option(0, "concepts in the seed dictionary; 0: about two thirds", bounds=COUNT)
    test_size: int = _option(0, "concepts in the test set; 0: all the others", bounds=COUNT)
    dictionary: str = _option(
        "",
        "test file of `source target` word pairs a line: scores word translation between two whole vocabularies of "
        "--spaces, from the first of --languages into the second (MUSE's and vecmap's task)",
    )
    seed_dictionary: str = _option("", "file of word pairs that the map is fitted on, with --dictionary")
    # vectors
    embeddings: tuple[str, ...] = _option(
        ("vanilla", "prompt"),
        "how a concept is given to the model: vanilla (the bare word), prompt (a template), or both",
        choices=("vanilla", "prompt"),
    )
    templates: str = _option("", "TSV of prompt templates (name, template); empty: those in the package")
    template_names: tuple[str, ...] = _option(("paper",), "which templates of the file to use, or all")
    pooling: tuple[str, ...] = _option(
        ("auto",),
        "of auto (the paper's choice for the family), first, last, mean, "
        "decoder (first decoder step of an encoder-decoder)",
        choices=("auto", "first", "last", "mean", "decoder"),
    )
    special_tokens: str = _option(
        "auto",
        "whether the mean counts special tokens: auto (encoders do, decoders do not), include or exclude",
        choices=("auto", "include", "exclude"),
    )
    layers: str = _option("last", "last, all, or a comma list of layer numbers; 0 is the embeddings")
    dtype: str = _option(
        "float32",
        "dtype of weights and activations; vectors are kept in float32",
        choices=("float32", "bfloat16", "float16"),
    )
    batch_tokens: int = _option(0, "tokens computed at once on each device; 0: chosen by the device", bounds=(0, 2**24))
    model_parallel: int = _option(1, "devices that share one copy of the weights", bounds=POSITIVE)
    # alignment
    settings: tuple[str, ...] = _option(
        ("before", "after", "ceiling", "null", "ceiling_null"),
        "of before (no map), after (map from the seed dictionary), ceiling (map from seed and test: leaky), null (map "
        "from a shuffled dictionary), ceiling_null (the leaky ceiling of a shuffled dictionary, scored on it)",
        choices=("before", "after", "ceiling", "null", "ceiling_null"),
    )
    seed_sizes: tuple[int, ...] = _option(
        (),
        "sizes of the seed dictionary to compare (its first N concepts), all among "
        "them; those above its size are left out with a note; empty: all of it",
        bounds=COUNT,
        items=lambda text: 0 if text == "all" else int(text),
    )
    normalize: tuple[str, ...] = _option(
        ("unit", "center", "unit"),
        "steps before the fit, in order, of unit and center; none: raw vectors",
        choices=("unit", "center", "none"),
    )
    procrustes: str = _option(
        "auto",
        "svd; polar: the same map by matrix products; auto: polar on accelerators, svd on a CPU",
        choices=("auto", "svd", "polar"),
    )
    precision: str = _option(
        "highest",
        "highest: float32 throughout; fast: similarities from bfloat16 products, what they leave in doubt made again "
        "in float32, the same ranks (for accelerators; slower on a CPU)",
        choices=("highest", "fast"),
    )
    map: str = _option(
        "orthogonal", "orthogonal, least_squares or ridge", choices=("orthogonal", "least_squares", "ridge")
    )
    completion: str = _option(
        "drop",
        "what the map does where the seed does not span the space: drop (left out), identity, arbitrary (plain SVD)",
        choices=("drop", "identity", "arbitrary"),
    )
    scale: bool = _option(False, "fit a scale with the rotation")
    translate: bool = _option(False, "fit a translation with the rotation")
    retrieval: tuple[str, ...] = _option(
        ("csls", "nn"), "of csls, nn (nearest neighbour), isf (inverted softmax)", choices=("csls", "nn", "isf")
    )
    csls_k: int = _option(10, "neighbours in the CSLS mean", bounds=POSITIVE)
    candidates: str = _option(
        "all", "what a query is ranked against: all concepts, or the test set", choices=("all", "test")
    )
    # numbers
    k: tuple[int, ...] = _option((1, 5, 10, 30), "the k of P@k", bounds=POSITIVE, items=int)
    null_draws: int = _option(1, "shuffled dictionaries for each null", bounds=(1, 1000))
    bootstrap: int = _option(1000, "resamples for the 95 % intervals; 0: none", bounds=(0, 1_000_000))
    controls: tuple[str, ...] = _option(
        (),
        "of matched (abstract against physical, matched samples), identical (without "
        "identical forms), domains, gpa (all languages in one shared space), isometry (how "
        "alike without a map)",
        choices=("matched", "identical", "domains", "gpa", "isometry"),
    )
    design: str = _option(
        "full",
        "full: every question for every space; star: every question for the first pooling at the last layer of vanilla "
        "and the first template, and a short one for spaces that differ from these in layer, pooling or template",
        choices=("full", "star"),
    )
    seed: int = _option(0, "seed of splits, shuffles, resamples and random weights", bounds=COUNT)
    # the run
    workdir: str = _option(
        "runs",
        "folder of runs and of the store of finished spaces, or gs://BUCKET/PATH (mirrored in the user's cache folder)",
    )
    run_name: str = _option("", "name of the run's folder; empty: the next free run-NNNN")
    export_spaces: bool = _option(False, "write the spaces of the run as LANG.vec folders")
    memory_budget: float = _option(4.0, "GiB that the alignment engine may use for similarities", bounds=(0.01, 1e6))
    compilation_cache: bool = _option(True, "keep compiled programs in the user's cache folder")
    debug_nans: bool = _option(False, "stop at the first NaN inside compiled code (slow)")
    coordinator: str = _option("", "HOST:PORT of the first process of a run on several hosts, or auto on a TPU-VM")
    num_processes: int = _option(1, "processes of a run on several hosts", bounds=POSITIVE)
    process_id: int = _option(0, "number of this process, from 0", bounds=COUNT)
    # throughput
    sizes: tuple[str, ...] = _option(("1000x2000x256",), "kernels suite: TRAINxTESTxDIMENSION, comma list")
    repeats: int = _option(5, "throughput suites: timed repetitions", bounds=(1, 10_000))
    texts: int = _option(2000, "embed suite: number of texts", bounds=(1, 10_000_000))

    def __post_init__(self):
        for option in fields(self):
            _check(option, getattr(self, option.name))
        _check_together(self)


def _check(option, value) -> None:
    name, meta = option.name, option.metadata
    many = isinstance(option.default, tuple)
    if many != isinstance(value, tuple) or not many and not isinstance(value, (type(option.default), int)):
        raise InputError(f"Expected --{name} to be like {option.default!r}, got {value!r}.")
    letters = "".join(part for part in (value if many else (value,)) if isinstance(part, str))
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in letters):
        raise InputError(f"Expected --{name} as UTF-8 without control characters, got {value!r}.")
    for item in value if many else (value,):
        if meta["choices"] and item not in meta["choices"]:
            raise InputError(f"Expected --{name} of {', '.join(meta['choices'])}, got {item!r}.")
        low, high = meta["bounds"] or (None, None)
        if low is not None and not low <= item <= high:
            bound = f"at most {high:,}" if item > high else f"at least {low}"
            raise InputError(f"Expected --{name} of {bound}, got {item}.")
        if many and item == "":
            raise InputError(f"Expected --{name} without empty items, got {','.join(map(str, value))!r}.")
    if many and option.default and not value:
        raise InputError(f"Expected --{name} with at least one item, got none.")
    if many and name != "normalize" and len(set(value)) != len(value):
        raise InputError(f"Expected --{name} without repeats, got {','.join(map(str, value))!r}.")


def _check_together(config: Config) -> None:
    for name in ("splits", "seed_size", "test_size") if config.split else ():
        if getattr(config, name) != getattr(Config, name):
            raise InputError(
                f"Expected no --{name} with --split={config.split}, got {getattr(config, name)}. Drop one of the two."
            )
    if config.seed_dictionary and not config.dictionary:
        raise InputError(
            f"Expected --dictionary with --seed_dictionary, got --seed_dictionary={config.seed_dictionary} alone. "
            "Give both, or neither."
        )
    if "none" in config.normalize and len(config.normalize) > 1:
        raise InputError(f"Expected --normalize=none alone, got {','.join(config.normalize)!r}.")
    if len(config.languages) < 2 and config.languages != ("auto",):
        raise InputError(f"Expected at least two --languages, got {','.join(config.languages)!r}.")
    for code in config.languages:
        if not re.fullmatch(r"\w+([-_]\w+)*", code):
            raise InputError(f"Expected --languages as codes such as en or zh-Hans, got {code!r}.")
    port = config.coordinator.rpartition(":")[2]
    if not re.fullmatch(r"(auto|\S+:\d{1,5})?", config.coordinator) or port.isdigit() and not 0 < int(port) < 2**16:
        raise InputError(f"Expected --coordinator as HOST:PORT or auto, got {config.coordinator!r}.")
    if config.num_processes > 1 and not config.coordinator:
        raise InputError(
            f"Expected --coordinator=HOST:PORT with --num_processes={config.num_processes}, got none. Give it."
        )
    if config.process_id >= config.num_processes:
        raise InputError(
            f"Expected --process_id below --num_processes={config.num_processes}, got {config.process_id}."
        )
    named = re.fullmatch(r"([\w-][\w .-]{0,79})?", config.run_name)
    if not named or config.run_name.endswith((".partial", " ", ".")) or config.run_name in WORK_FOLDERS:
        raise InputError(
            "Expected --run_name to be one folder's name of at most 80 letters, digits, '-', '_' and '.', none of "
            f"{', '.join(WORK_FOLDERS)}, got {config.run_name!r}. Use --workdir for its place."
        )
    parse_layers(config.layers)
    for size in config.sizes:
        parse_size(size)


def parse_layers(text: str) -> str | tuple[int, ...]:
    """`last`, `all`, or the layer numbers of a comma list, distinct, in order given."""
    if text in ("last", "all"):
        return text
    items = text.split(",")
    wrong = not all(item.isascii() and item.isdigit() and len(item) < 10 for item in items)
    if wrong or len(set(map(int, items))) != len(items):
        raise InputError(f"Expected --layers as last, all or distinct layer numbers, got {text!r}.")
    return tuple(int(item) for item in items)


def parse_size(text: str) -> tuple[int, int, int]:
    """(train, test, dimension) of `TRAINxTESTxDIMENSION`."""
    parts = text.split("x")
    if len(parts) != 3 or not all(p.isascii() and p.isdigit() and len(p) < 8 and int(p) > 0 for p in parts):
        raise InputError(f"Expected --sizes as TRAINxTESTxDIMENSION such as 1000x2000x1024, got {text!r}.")
    train, test, dimension = map(int, parts)
    return train, test, dimension


def default(option) -> Any:
    """The default of a Config field."""
    return option.default if option.default is not MISSING else None
