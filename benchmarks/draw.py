"""Draws what compare.py measured: seconds on each family of circuits, ours beside the others.

python benchmarks/draw.py benchmarks/results/compare.json docs/speed.svg docs/speed.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

# Several variants of one simulator are drawn as one: its best. Single precision is dashed.
GROUPS = {
    "basicaer": (("basicaer",), "#d1495b", "-"),
    "Aer": (("aer",), "#30638e", "-"),
    "lightning.qubit": (("lightning.qubit",), "#edae49", "-"),
    "Qulacs": (("qulacs", "qulacs light"), "#5a9367", "-"),
    "panta-sim": (("panta-sim",), "#8f5ea2", "-"),
    "prism-q": (("prism-q",), "#4d4d4d", "-"),
    "BasicSimulator": (("BasicSimulator run",), "#b08968", "-"),
    "basicaer (single)": (("basicaer single",), "#d1495b", "--"),
    "qsim (single)": (("qsim f=2", "qsim f=3", "qsim f=4"), "#8d99ae", "--"),
}
COLUMNS = 3


def draw(report: dict, paths: list[Path]) -> None:
    records = [record for record in report["records"] if record["part"] == "states"]
    families = list(dict.fromkeys(record["family"] for record in records))
    columns = min(COLUMNS, len(families))
    rows = -(-len(families) // columns)
    size = (3.6 * columns, 2.7 * rows + 1)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False, layout="constrained")
    lines = {}
    for place, family in enumerate(families):
        axis = axes[place // columns][place % columns]
        here = [record for record in records if record["family"] == family]
        for group, (names, colour, style) in GROUPS.items():
            points = []
            for record in sorted(here, key=lambda record: record["qubits"]):
                found = [record["seconds"][name] for name in names if name in record["seconds"]]
                if found:
                    points.append((record["qubits"], min(found)))
            if points:
                ours = group.startswith("basicaer")
                (lines[group],) = axis.plot(
                    *zip(*points),
                    style,
                    marker="o",
                    markersize=3,
                    linewidth=2 if ours else 1.2,
                    zorder=3 if ours else 2,
                    color=colour,
                    label=group,
                )
        axis.set_yscale("log")
        axis.set_xticks(sorted({record["qubits"] for record in records}))
        axis.set_title(family, fontsize=10)
        axis.grid(alpha=0.3)
    for place in range(len(families), rows * columns):
        axes[place // columns][place % columns].set_visible(False)
    for axis in axes[-1]:
        axis.set_xlabel("qubits", fontsize=9)
    figure.supylabel("seconds to the final state (less is better)", fontsize=9)
    shown = [group for group in GROUPS if group in lines]
    handles = [lines[group] for group in shown]
    figure.legend(handles, shown, loc="outside lower center", ncols=min(5, len(shown)))
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
