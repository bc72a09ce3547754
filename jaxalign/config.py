"""Every option of a run, once: name, default, meaning and allowed values. The command line and Python share it."""

from dataclasses import dataclass, fields

from jaxalign import flag_rules
from jaxalign.flag_values import COUNT, POSITIVE, check_value
from jaxalign.flag_values import option as _option

PAPER_LANGUAGES = ("en", "fr", "ro", "eu", "fi", "ja", "th")  # also those of the built-in lexicon


@dataclass(frozen=True)
class Config:
    """The settings of one run; field names are flag names. Tuples are comma lists on the command line."""

    suite: str = _option(
        "alignment",
        "what to run: alignment (concepts to report), plan (what a run needs on --target, without having it), embed "
        "(speed of extraction) or kernels (speed of alignment)",
        choices=("alignment", "plan", "embed", "kernels"),
    )
    # what is compared
    models: tuple[str, ...] = _option(
        ("demo",),
        "Hugging Face hub ids, local folders in Hugging Face format, or demo (a toy model in the package); "
        "org/name@step1000 is a revision of an id, FOLDER@step1000 a sub-folder",
    )
    revision: str = _option("", "hub revision of the models (branch, tag or commit); empty: the default branch")
    weights: str = _option(
        "pretrained",
        "pretrained, or random: the same architecture with untrained weights, as a control",
        choices=("pretrained", "random"),
    )
    weights_cache: str = _option(
        "", "folder that keeps converted weights (Orbax), which later runs read directly into their sharding"
    )
    spaces: str = _option(
        "",
        "folder of vectors keyed by concept id, in place of --models: LANG.vec, LANG.vec.gz, LANG.bin (word2vec's "
        "binary format) or LANG.npy with LANG.keys",
    )
    max_vocabulary: int = _option(0, "words to read from the beginning of each file of --spaces; 0: all", bounds=COUNT)
    repeated_keys: str = _option(
        "refuse",
        "keys that come twice in a file of --spaces: refuse, or first to keep the first",
        choices=("refuse", "first"),
    )
    concepts: str = _option(
        "builtin",
        "builtin (a lexicon in the package), wordnet (through nltk), or the path of a list: a table (TSV, CSV) with "
        "columns id, kind and one per language; CLDF forms.csv; a dictionary such as en-fr.txt; docs/lists.md",
    )
    languages: tuple[str, ...] = _option(
        ("auto",),
        "codes (ISO 639-1 or 639-3) or English names of languages, in the order of the tables; auto: "
        "en,fr,ro,eu,fi,ja,th, or all that --spaces or a list has",
    )
    min_depth: int = _option(
        5, "least depth (edges to the root) of a WordNet synset; removes the most general concepts", bounds=COUNT
    )
    missing: str = _option(
        "error",
        "what becomes of a concept of a list that has no word in one of --languages: error; drop (left out, with a "
        "count); keep (error, but cells such as NA and nan are words)",
        choices=("error", "drop", "keep"),
    )
    split: str = _option("", 'JSON file {"seed": [...], "test": [...]} of concept ids; empty: a seeded, balanced split')
    splits: int = _option(
        1, "number of random splits; with several, every figure is the mean over splits", bounds=(1, 1000)
    )
    seed_size: int = _option(0, "concepts in the seed dictionary; 0: about two thirds", bounds=COUNT)
    test_size: int = _option(0, "concepts in the test set; 0: all that are not in the seed dictionary", bounds=COUNT)
    dictionary: str = _option(
        "",
        "test file with one `source target` word pair per line: scores word translation between two whole "
        "vocabularies of --spaces, from the first of --languages into the second (the task of MUSE and vecmap)",
    )
    seed_dictionary: str = _option(
        "",
        "identical: the setting identical, a map of the seed concepts whose words are one string in both languages, "
        "and its null. With --dictionary: a file of the word pairs that the map is fitted on, or identical: the words "
        "that both vocabularies write alike, those of --dictionary left out",
    )
    refine: int = _option(
        0,
        "rounds in which the seed concepts (with --dictionary: words) that are mutual nearest neighbours become the "
        "next seed dictionary; adds the settings refined and refined_null",
        bounds=(0, 100),
    )
    lowercase: bool = _option(False, "with --dictionary: look up the words of both dictionaries in lower case")
    kernel: str = _option(
        "auto",
        "with --dictionary: xla, or pallas, which keeps the similarity on the chip of a TPU (never run on one so far); "
        "auto is xla",
        choices=("auto", "xla", "pallas"),
    )
    # vectors
    embeddings: tuple[str, ...] = _option(
        ("vanilla", "prompt"),
        "how a concept is given to the model: any of vanilla (the bare word), prompt (a template), context (sentences)",
        choices=("vanilla", "prompt", "context"),
    )
    contexts: str = _option(
        "",
        "sentences around each word, which add the embedding context (mean over the word's own tokens, then over its "
        "sentences): a file (columns id, language, sentence, the word marked as [[word]]), carrier (three sentences of "
        "each of en,fr,ro,eu,fi,ja,th), or wordnet (its glosses and examples in English, else carrier)",
    )
    templates: str = _option(
        "", "TSV file of prompt templates (columns name, language, form, template); empty: those in the package"
    )
    template_names: tuple[str, ...] = _option(("paper",), "which templates of the file to use, or all")
    pooling: tuple[str, ...] = _option(
        ("auto",),
        "how the states of a text become one vector: any of auto (the choice of the paper), first, last, mean, "
        "rising_mean (weights 1 to n), falling_mean (n to 1), concept (mean of the concept's own tokens in a prompt), "
        "decoder (first decoder step of an encoder-decoder); all: all but decoder and concept",
        choices=("auto", "first", "last", "mean", "rising_mean", "falling_mean", "concept", "decoder", "all"),
    )
    special_tokens: str = _option(
        "auto",
        "whether the mean counts special tokens: auto (encoders do, decoders do not), include or exclude",
        choices=("auto", "include", "exclude"),
    )
    layers: str = _option(
        "last", "last, all, or a comma list of numbers, ranges such as 0-4, middle and last; 0 is the embedding layer"
    )
    dtype: str = _option(
        "float32",
        "dtype of weights; extracted vectors are always float32. auto: bfloat16 where the device multiplies it "
        "natively (TPUs, recent GPUs, CPUs with avx512_bf16, amx_bf16 or Arm's bf16), else float32. float16 is refused "
        "for T5, whose states overflow in it, and for weights beyond 65504",
        choices=("auto", "float32", "bfloat16", "float16"),
    )
    batch_tokens: int = _option(0, "tokens computed at once on each device; 0: automatic", bounds=(0, 2**24))
    model_parallel: int = _option(1, "devices that share one copy of the weights", bounds=POSITIVE)
    # alignment
    settings: tuple[str, ...] = _option(
        ("before", "after", "ceiling", "null", "ceiling_null"),
        "any of before (no map), after (map fitted on the seed dictionary), shrunken (the same drawn towards no map as "
        "far as held-out seeds ask for, see --shrinkage), ceiling (map fitted on seed and test, so it has seen the "
        "answers), null (map fitted on a shuffled dictionary), shrunken_null (shrunken likewise), ceiling_null "
        "(ceiling of a shuffled dictionary, scored on that dictionary)",
        choices=("before", "after", "shrunken", "ceiling", "null", "shrunken_null", "ceiling_null"),
    )
    seed_sizes: tuple[int, ...] = _option(
        (),
        "sizes of the seed dictionary to compare (its first N concepts; all: the whole of it); sizes above its own are "
        "left out with a note; empty: the whole of it",
        bounds=COUNT,
        items=lambda text: 0 if text == "all" else int(text),
    )
    normalize: tuple[str, ...] = _option(
        ("unit", "center", "unit"),
        "steps before the fit, in this order, any of unit (length 1) and center (mean 0); none: raw vectors",
        choices=("unit", "center", "none"),
    )
    procrustes: str = _option(
        "auto",
        "svd; polar: the same map by matrix products; auto: polar on accelerators, svd on a CPU",
        choices=("auto", "svd", "polar"),
    )
    precision: str = _option(
        "highest",
        "highest: float32 throughout; fast: similarities from bfloat16 products, close calls computed again in "
        "float32, the same ranks (for accelerators; slower on a CPU); auto: fast where the device gains by it, "
        "measured once",
        choices=("highest", "fast", "auto"),
    )
    map: str = _option(
        "orthogonal",
        "kind of map: orthogonal (Procrustes), least_squares or ridge; shrunken: orthogonal, with shrunken added to "
        "--settings",
        choices=("orthogonal", "least_squares", "ridge", "shrunken"),
    )
    shrinkage: tuple[float, ...] = _option(
        (0.0, 0.01, 0.03, 0.1, 0.3, 1.0, float("inf")),
        "values of lambda, in units of the largest singular value, that the setting shrunken chooses among by "
        "cross-validation inside the seed dictionary: 0 is the plain map, inf no map",
        bounds=(0, float("inf")),
        items=float,
    )
    completion: str = _option(
        "drop",
        "what the map does with directions that the seed dictionary does not span: drop (leaves them out), identity, "
        "arbitrary (what the SVD gives)",
        choices=("drop", "identity", "arbitrary"),
    )
    scale: bool = _option(False, "fit a scale with the rotation")
    translate: bool = _option(False, "fit a translation with the rotation")
    retrieval: tuple[str, ...] = _option(
        ("csls", "nn"),
        "any of csls, nn (nearest neighbour), isf (inverted softmax), margin (cosine over the mean of the 4 best "
        "neighbours of both sides, for sentences)",
        choices=("csls", "nn", "isf", "margin"),
    )
    csls_k: int = _option(10, "neighbours in the CSLS mean", bounds=POSITIVE)
    identical_answers: bool = _option(
        False,
        "count a candidate that has the right answer's word and vector (another sense of one word) as right too; "
        "without it such a candidate is a wrong one that ties",
    )
    candidates: str = _option(
        "all", "what the right answer is ranked among: all concepts, or the test set", choices=("all", "test")
    )
    # numbers
    k: tuple[int, ...] = _option((1, 5, 10, 30), "the k of P@k", bounds=POSITIVE, items=int)
    null_draws: int = _option(
        1,
        "shuffled dictionaries for each null; those of --controls=isometry and random spaces of --controls=spectrum "
        "are at least 20",
        bounds=(1, 1000),
    )
    bootstrap: int = _option(1000, "resamples for the 95 % intervals; 0: none", bounds=(0, 1_000_000))
    controls: tuple[str, ...] = _option(
        (),
        "any of matched (abstract against physical in matched samples), identical (without identical word forms), "
        "domains (per WordNet domain), gpa (all languages in one shared space), isometry (how similar the spaces are "
        "without a map), hubness (how many neighbours crowd on few words, and whether retrieval leads back), bitext "
        "(for sentences: ratio margin, F1 and MEXA; published ones have --normalize=none --candidates=test), confounds "
        "(a regression of hits on frequency, senses, tokens, form overlap and kind; needs statsmodels), spectrum (P@1 "
        "of random spaces with the spectra of the true ones, first of --retrieval)",
        choices=("matched", "identical", "domains", "gpa", "isometry", "hubness", "bitext", "confounds", "spectrum"),
    )
    answers: str = _option(
        "first",
        "words of the target concept that are right: first (its own); all adds the metrics P@k_all_answers and "
        "MRR_all_answers (every word that the wordnet or the list has for it) and the paired differences",
        choices=("first", "all"),
    )
    isometry_normalize: tuple[str, ...] = _option(
        ("unit", "center", "unit"),
        "steps before RSIM, eigenvector similarity and Gromov-Hausdorff of --controls=isometry, as in their published "
        "scripts; none: raw vectors",
        choices=("unit", "center", "none"),
    )
    design: str = _option(
        "full",
        "full: everything for every space; star: everything for the first pooling at the last layer of vanilla and of "
        "the first template, and fewer settings for spaces that differ from these in layer, pooling or template",
        choices=("full", "star"),
    )
    seed: int = _option(0, "seed of splits, shuffles, resamples and random weights", bounds=COUNT)
    # the run
    workdir: str = _option(
        "runs",
        "folder of the runs, finished spaces and ranks, or gs://BUCKET/PATH (mirrored in the user's cache folder)",
    )
    dry_run: bool = _option(
        False, "check everything that can be refused, print how long the run will take (an estimate), and stop"
    )
    run_name: str = _option("", "name of the folder of the run; empty: the next free run-NNNN")
    export_spaces: bool = _option(False, "write the spaces of the run as folders of LANGUAGE.vec files")
    export_maps: bool = _option(
        False,
        "write the fitted map of every pair and space as maps/SPACE/fr-en.safetensors, for jaxalign.apply_map (up to 8 "
        "bytes x dimension x dimension each)",
    )
    export_mapped: str = _option("", "language into whose space all others are mapped and written, as LANGUAGE.vec")
    memory_budget: float = _option(4.0, "GiB that the alignment may use for similarities", bounds=(0.01, 1e6))
    compilation_cache: bool = _option(True, "keep compiled programs in the user's cache folder")
    debug_nans: bool = _option(False, "stop at the first NaN inside compiled code (slow)")
    coordinator: str = _option(
        "", "HOST:PORT of the first process of a run on several hosts, or auto (TPU-VM, Slurm, Open MPI, GKE)"
    )
    num_processes: int = _option(1, "processes of a run on several hosts", bounds=POSITIVE)
    process_id: int = _option(0, "number of this process, from 0", bounds=COUNT)
    # throughput
    sizes: tuple[str, ...] = _option(("1000x2000x256",), "kernels suite: comma list of TRAINxTESTxDIMENSION")
    target: str = _option(
        "",
        "plan suite: a device and how many of it, such as v5e-8 or h100; devices: v4, v5e, v5p, v6e, a100, h100, h200, "
        "l4, cpu",
    )
    compare: str = _option("", "throughput suites: folder of an earlier run, whose times stand beside these")
    repeats: int = _option(5, "throughput suites: timed repetitions", bounds=(1, 10_000))
    texts: int = _option(2000, "embed suite: number of texts", bounds=(1, 10_000_000))

    def __post_init__(self):
        for option in fields(self):
            check_value(option, getattr(self, option.name))
        flag_rules.check(self)
        if self.pooling == ("all",):
            object.__setattr__(self, "pooling", ("first", "last", "mean", "rising_mean", "falling_mean"))
        if self.contexts and "context" not in self.embeddings:
            object.__setattr__(self, "embeddings", (*self.embeddings, "context"))
        if "context" in self.embeddings and not self.contexts:
            object.__setattr__(self, "contexts", "carrier")
        if self.map == "shrunken":  # the same as its setting beside the orthogonal map's
            object.__setattr__(self, "map", "orthogonal")
            object.__setattr__(self, "settings", tuple(dict.fromkeys((*self.settings, "shrunken"))))
