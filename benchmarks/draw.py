"""Draws what compare.py measured: seconds on each circuit, ours beside the others.

python benchmarks/draw.py benchmarks/results/compare.json docs/comparison.svg docs/comparison.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

# Several variants of one simulator are drawn as one: its best.
GROUPS = {
    "basicaer": ("basicaer",),
    "basicaer (single)": ("basicaer single",),
    "Aer": ("aer",),
    "Qulacs": ("qulacs", "qulacs light"),
    "lightning.qubit": ("lightning.qubit",),
    "qsim (single)": ("qsim f=2", "qsim f=3", "qsim f=4"),
}
COLOURS = {
    "basicaer": "#d1495b",
    "basicaer (single)": "#e8a0a8",
    "Aer": "#30638e",
    "Qulacs": "#5a9367",
    "lightning.qubit": "#edae49",
    "qsim (single)": "#8d99ae",
}


def draw(report: dict, paths: list[Path]) -> None:
    records = report["records"]
    sizes = sorted({record["qubits"] for record in records})
    shown = [
        group
        for group, names in GROUPS.items()
        if any(name in record["seconds"] for record in records for name in names)
    ]
    figure, axes = plt.subplots(
        1, len(sizes), figsize=(3.4 * len(sizes) + 0.8, 4.2), squeeze=False, layout="constrained"
    )
    for axis, size in zip(axes[0], sizes):
        here = [record for record in records if record["qubits"] == size]
        width = 0.84 / len(shown)
        for position, group in enumerate(shown):
            times = [
                min(record["seconds"].get(name, float("nan")) for name in GROUPS[group])
                for record in here
            ]
            axis.bar(
                [x + (position - (len(shown) - 1) / 2) * width for x in range(len(here))],
                times,
                width,
                label=group,
                color=COLOURS[group],
            )
        axis.set_yscale("log")
        axis.set_xticks(range(len(here)), [record["family"] for record in here])
        axis.set_title(f"{size} qubits")
        axis.grid(axis="y", alpha=0.3)
        axis.set_axisbelow(True)
    axes[0][0].set_ylabel("seconds to the final state (less is better)")
    columns = len(shown) if len(sizes) > 2 else (len(shown) + 1) // 2
    handles = axes[0][0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=columns)
    machine = report["machine"]
    figure.suptitle(
        f"{machine['processor']}, {report['threads']} threads, {machine['date']}", fontsize=9
    )
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=150)
        print(f"drawn to {path}")


def main() -> None:
    if len(sys.argv) < 3:
        raise SystemExit("usage: python draw.py compare.json picture.svg [picture.png ...]")
    report = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    draw(report, [Path(argument) for argument in sys.argv[2:]])


if __name__ == "__main__":
    main()
