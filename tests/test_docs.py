"""The documents agree with the code.

Run as a script, this writes the options table into README.md.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from versions import NUMBER

import basicaer
from basicaer._jobs import options as _options

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
TABLE = re.compile(r"(<!-- options:.*? -->\n)(.*?)(<!-- end of options -->)", re.DOTALL)


def options_table() -> str:
    """Returns the table of options as Markdown."""
    lines = ["| option | default | simulators | what it does |", "|---|---|---|---|"]
    for option in _options.TABLE:
        kinds = [
            kind
            for kind in (_options.QASM, _options.STATEVECTOR, _options.UNITARY)
            if kind in option.backends
        ]
        where = "all" if len(kinds) == 3 else ", ".join(kinds)
        doc = option.doc.replace("|", r"\|").replace("*", r"\*")
        lines.append(f"| `{option.name}` | `{option.default!r}` | {where} | {doc} |")
    return "\n".join(lines) + "\n"


def test_options_table_is_up_to_date():
    found = TABLE.search(README.read_text(encoding="utf-8"))
    assert found
    assert found[2] == options_table(), "write it anew: python tests/test_docs.py"


def blocks_for(number):
    """Returns the README's blocks of Python that are for a version of Qiskit.

    Those that are not for all follow a line that says so: <!-- qiskit: 1.0 to 1.4 -->, the first
    and the last version.
    """
    text = README.read_text(encoding="utf-8")
    found = re.findall(
        r"(?:<!-- qiskit: (.*?) to (.*?) -->\n)?```python\n(.*?)```", text, re.DOTALL
    )
    assert len(found) == text.count("```python")
    blocks = []
    for first, last, code in found:
        ends = [tuple(map(int, end.split("."))) for end in (first, last) if end]
        if not ends or ends[0] <= number <= ends[1]:
            blocks.append(code)
    return blocks


def test_python_in_the_readme_runs():
    blocks = blocks_for(NUMBER)
    assert len(blocks) >= 3
    finished = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    counts = re.search(r"\{.*\}", finished.stdout)
    assert counts
    assert set(re.findall(r"'(\d+)'", counts[0])) == {"00", "11"}


def test_links_in_the_documents_lead_somewhere():
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "benchmarks/README.md"]:
        for link in re.findall(r"\]\(([^)#]+)", document.read_text(encoding="utf-8")):
            if not link.startswith(("http:", "https:")):
                assert (document.parent / link).exists(), f"{document.name}: {link}"


def test_architecture_is_short_and_names_files_that_exist():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert len(text.split()) <= 1200
    for name in re.findall(r"`((?:_\w+/)?[\w/]+\.(?:pyx?|pxi))`", text):
        assert list((ROOT / "basicaer").rglob(name)) or (ROOT / name).exists(), name


def test_the_journeys_name_what_is_there():
    sources = [path for path in (ROOT / "basicaer").rglob("*") if path.suffix in (".py", ".pyx", ".pxi")]
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    there = {name for path in sources for name in (path.stem, path.parent.name)}
    there.update(re.findall(r"\b(?:def|class)\s+(\w+)", code))
    text = (ROOT / "docs" / "journeys.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.startswith("    ")]
    named = re.findall(r"\b[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", "\n".join(lines))
    assert len(named) > 40
    missing = {name for name in named for part in name.split(".") if part not in there}
    assert not missing - {"job.result", "job.cancel", "backend.run"}


def test_version_is_that_of_the_distribution():
    try:
        installed = metadata.version("basicaer")
    except metadata.PackageNotFoundError:
        pytest.skip("built in place, not installed")
    assert basicaer.__version__ == installed


if __name__ == "__main__":
    readme = README.read_text(encoding="utf-8")
    README.write_text(
        TABLE.sub(lambda found: found[1] + options_table() + found[3], readme), encoding="utf-8"
    )
