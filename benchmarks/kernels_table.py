"""The table and the figure of `kernels_vs_peers`, made again from its rows at any time."""

import json
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Any

ROWS = "kernels_vs_peers.jsonl"
OURS = "jaxalign_engine"
NOTE = (
    "Times ours: within one run. A star: timed on fewer languages and scaled by the number of pairs. Core seconds: the "
    "processor time of all threads, which shows how much of a wall-clock time is due to other work on the machine."
)
SHARED = ("run", "size", "train", "test", "others", "features", "languages", "settings", "both_directions", "contender")


def write(folder: Path) -> str:
    """Writes kernels_vs_peers.md, .json and .png beside the rows; returns the table."""
    with open(folder / ROWS, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    summary = summarise(rows)
    text = "\n".join(table(size, [entry for entry in summary if entry["size"] == size]) for size in sizes(summary))
    (folder / "kernels_vs_peers.md").write_text(text, encoding="utf-8")
    (folder / "kernels_vs_peers.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    figure(summary, folder / "kernels_vs_peers.png")
    print(text)
    return text


def sizes(summary: list[dict[str, Any]]) -> list[str]:
    """Sizes in the order they were run."""
    return list(dict.fromkeys(entry["size"] for entry in summary))


def summarise(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One entry per size and contender, from the last run that timed it; `ratio` is to this engine in the same run."""
    turns: dict[tuple[str, str, str], list[dict[str, Any]]] = defaultdict(list)
    checks = {}
    for row in rows:
        if row["kind"] == "time":
            turns[row["size"], row["contender"], row["run"]].append(row)
        elif row["kind"] == "check":
            checks[row["size"], row["contender"]] = row
    last = {(size, contender): run for size, contender, run in sorted(turns, key=lambda key: key[2])}
    entries = []
    for (size, contender), run in last.items():
        timed = turns[size, contender, run]
        seconds = [row["seconds"] for row in timed]
        ours = [row["seconds"] for row in turns.get((size, OURS, run), [])]
        entry = {key: timed[0][key] for key in SHARED}
        entry |= {"seconds": median(seconds), "low": min(seconds), "high": max(seconds), "turns": len(seconds)}
        entry |= {"ratio": median(seconds) / median(ours) if ours else None}
        entry |= {"cpu_seconds": median(row["cpu_seconds"] for row in timed)}
        entry |= {"scaled": timed[0]["timed_languages"] < timed[0]["languages"], "host_bytes": timed[-1]["host_bytes"]}
        entry |= {key: value for key, value in timed[-1].items() if key.startswith("P@1")}
        entry |= {"check": checks.get((size, contender))}
        entries.append(entry)
    return entries


def table(size: str, entries: list[dict[str, Any]]) -> str:
    """Markdown, fastest first; a star marks a time scaled up from fewer languages."""
    first = entries[0]
    shown = ", ".join(first["settings"])
    lines = [
        f"**{size}**: {first['train']} train, {first['test']} test{others(first)}, d {first['features']}, "
        f"{pairs(first)}, {' and '.join(first['settings'])}, CSLS-10",
        "",
        f"| contender | seconds | spread | core seconds | times ours | ranks off: {shown} | P@1 {shown} | GB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for entry in sorted(entries, key=lambda entry: entry["seconds"]):
        name = f"**{entry['contender']}**" if entry["contender"] == OURS else entry["contender"]
        ratio = "" if entry["ratio"] is None else f"{entry['ratio']:.2f}"
        seconds = f"{entry['seconds']:.2f}{'*' if entry['scaled'] else ''} | {entry['low']:.2f}-{entry['high']:.2f}"
        seconds += f" | {entry['cpu_seconds']:.1f}"
        precision = ", ".join(f"{entry[f'P@1 {setting}']:.3f}" for setting in entry["settings"])
        precision += f" | {entry['host_bytes'] / 1e9:.1f}"
        lines.append(f"| {name} | {seconds} | {ratio} | {differences(entry['check'])} | {precision} |")
    return "\n".join([*lines, "", NOTE, ""])


def others(entry: dict[str, Any]) -> str:
    """The number of candidates, where they are more than the test rows."""
    return f" among {entry['train'] + entry['test'] + entry['others']} candidates" if entry["others"] else ""


def pairs(entry: dict[str, Any]) -> str:
    """Which pairs are timed."""
    if not entry["both_directions"]:
        return "one pair, one direction"
    return f"all ordered pairs of {entry['languages']} languages"


def differences(check: dict[str, Any] | None) -> str:
    """Ranks that the reference rules out, `-` where the map is not determined by the seed."""
    if check is None:
        return "not checked"
    return ", ".join(str(check.get(f"{setting}_differ", "-")) for setting in check["settings"])


def figure(summary: list[dict[str, Any]], path: Path) -> None:
    """Bars of seconds, one panel per size."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    names = sizes(summary)
    panels, axes = plt.subplots(1, len(names), figsize=(5 * len(names), 4), squeeze=False, layout="constrained")
    for axis, size in zip(axes[0], names, strict=True):
        entries = sorted((entry for entry in summary if entry["size"] == size), key=lambda entry: -entry["seconds"])
        colours = ["#d95f02" if entry["contender"] == OURS else "#7b8ca0" for entry in entries]
        bars = axis.barh(
            [entry["contender"] for entry in entries], [entry["seconds"] for entry in entries], color=colours
        )
        labels = [f"{entry['seconds']:.1f}{'*' if entry['scaled'] else ''}" for entry in entries]
        axis.bar_label(bars, labels, padding=3, fontsize=8)
        axis.set(xlabel="seconds", title=f"{entries[0]['train']} train, {entries[0]['test']} test, "
                 f"d {entries[0]['features']}")  # fmt: skip
        axis.margins(x=0.15)
        axis.spines[["top", "right"]].set_visible(False)
    panels.savefig(path, dpi=120)
    plt.close(panels)
