"""Every Eval Ever records (schema 0.3.0 of github.com/evaleval/every_eval_ever): one per model, with its samples."""

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import jaxalign
from jaxalign.report import files, names
from jaxalign.report.export import hub
from jaxalign.report.facts import Run
from jaxalign.report.results import MEAN, SETTINGS, Results, Series

_VERSION = "0.3.0"


class Record(NamedTuple):
    """The aggregate record of a model, and its samples as text of JSON lines (empty where the run kept no ranks).

    `path` is the place of the aggregate in the collection, without `.json`; samples stand at `path` + `_samples.jsonl`.
    """

    path: str
    aggregate: dict[str, Any]
    samples: str


def every_eval_ever(run: Run, timestamp: int) -> dict[str, Record]:
    """A record per model: P@1 of its best series in every setting and pair, and the rank of every test query.

    `timestamp` is the run's time in seconds since 1970.
    """
    results = Results(run.rows)
    made = {}
    for model, series in hub.best_by_model(results).items():
        name = f"jaxalign/{model.replace('/', '_')}/{timestamp}"
        path = _path(model, name)
        samples = "".join(_lines(run, results, series, name))
        aggregate: dict[str, Any] = {
            "schema_version": _VERSION,
            "evaluation_id": name,
            "evaluation_timestamp": str(timestamp),
            "retrieved_timestamp": str(timestamp),
            "source_metadata": {
                "source_name": "jaxalign",
                "source_type": "evaluation_run",
                "source_organization_name": "unknown",
                "evaluator_relationship": "third_party",
            },
            "eval_library": {"name": "jaxalign", "version": jaxalign.__version__},
            "model_info": {"name": model, "id": model, "additional_details": _details(run, series)},
            "evaluation_results": [_result(run, row, setting) for setting, row in _rows(results, series)],
        }
        if samples:
            aggregate["detailed_evaluation_results"] = {
                "format": "jsonl",
                "file_path": f"{path}_samples.jsonl",
                "hash_algorithm": "sha256",
                "checksum": hashlib.sha256(samples.encode()).hexdigest(),
                "total_rows": samples.count("\n"),
            }
        made[model] = Record(path, aggregate, samples)
    return made


def _path(model: str, name: str) -> str:
    """`data/BENCHMARK/DEVELOPER/MODEL/UUID`; the UUID follows from the name, so that exports repeat."""
    developer, _, short = model.strip("/.").rpartition("/")
    folder = f"{developer.replace('/', '_') or 'unknown'}/{short or 'model'}"
    number = uuid.UUID(bytes=hashlib.sha256(name.encode()).digest()[:16], version=4)
    return f"data/jaxalign/{folder}/{number}"


def _details(run: Run, series: Series) -> dict[str, str]:
    settings = run.extras.get("settings") or {}
    kept = {name: settings[name] for name in ("normalize", "map", "dtype", "seed") if name in settings}
    on_hub = "/" in series.model and not series.model.startswith((".", "/"))
    place = dict(deployment_type="self_deployed", model_availability="open_weights" if on_hub else "unknown")
    return place | {name: str(value) for name, value in (series._asdict() | kept).items() if name != "model"}


def _rows(results: Results, series: Series) -> Iterator[tuple[str, dict]]:
    for setting in results.settings(series):
        if setting in SETTINGS:
            for row in results.pairs(series, setting).values():
                if (row["source"] == MEAN) == (row["target"] == MEAN):
                    yield setting, row


def _evaluation_name(setting: str, source: str, target: str) -> str:
    return f"P@1 {setting} mean" if source == MEAN else f"P@1 {setting} {source}-{target}"


def _result(run: Run, row: dict, setting: str) -> dict[str, Any]:
    details: dict[str, Any] = {"score": row["value"]}
    if row.get("low") is not None:
        limits = {
            "lower": row["low"],
            "upper": row["high"],
            "confidence_level": 0.95,
            "method": "bootstrap over concepts",
        }
        details["uncertainty"] = {"confidence_interval": limits, "num_samples": row["count"]}
    digest = str((run.extras.get("environment") or {}).get("concepts_digest", "unknown"))
    listed = str((run.extras.get("settings") or {}).get("concepts", "concepts"))
    return {
        "evaluation_name": _evaluation_name(setting, row["source"], row["target"]),
        "source_data": {"dataset_name": listed, "source_type": "other", "additional_details": {"digest": digest}},
        "metric_config": {
            "evaluation_description": f"share of concepts retrieved first, {names.setting_name(setting)}",
            "lower_is_better": False,
            "score_type": "continuous",
            "min_score": 0,
            "max_score": 1,
        },
        "score_details": details,
    }


def _lines(run: Run, results: Results, series: Series, evaluation: str) -> Iterator[str]:
    """A line per query and pair of the main setting, first split; from ranks.npz and the words of report.json."""
    setting = hub.main_setting(results, series)
    table = _ranks(run, series, setting, max(results.sizes(series, setting)))
    listed = run.extras.get("words") or {}
    ids, words = listed.get("ids") or [], listed.get("by_language") or {}
    if table is None or len(ids) != table.shape[2]:
        return
    codes = list(words)
    for i, source in enumerate(codes):
        for j, target in enumerate(codes):
            if i != j:
                for query, concept in enumerate(ids):
                    texts = (words[source][query], words[target][query])
                    place = (evaluation, series.model, _evaluation_name(setting, source, target), concept)
                    yield json.dumps(_sample(place, texts, int(table[i, j, query])), ensure_ascii=False) + "\n"


def _ranks(run: Run, series: Series, setting: str, size: int) -> np.ndarray | None:
    key = "|".join(map(str, (*series[:4], series.retrieval, setting, size, 0, 0)))
    return files.read_ranks(Path(run.folder), lambda name: name == key).get(key)


def _sample(place: Sequence[str], texts: tuple[str, str], rank: int) -> dict[str, Any]:
    """One query; the retrieved word is known where it is the right one."""
    evaluation, model, name, concept = place
    answer = [texts[1]] if rank == 1 else []
    attribution: Mapping[str, Any] = {
        "turn_idx": 0, "source": "output.raw", "extraction_method": "first candidate", "is_terminal": True,
    }  # fmt: skip
    return {
        "schema_version": _VERSION,
        "evaluation_id": evaluation,
        "model_id": model,
        "evaluation_name": name,
        "sample_id": concept,
        "sample_hash": hashlib.sha256((texts[0] + texts[1]).encode()).hexdigest(),
        "interaction_type": "single_turn",
        "input": {"raw": texts[0], "reference": [texts[1]]},
        "output": {"raw": answer},
        "answer_attribution": [dict(attribution, extracted_value=word) for word in answer],
        "evaluation": {"score": float(rank == 1), "is_correct": rank == 1},
        "metadata": {"rank": str(rank)},
    }
