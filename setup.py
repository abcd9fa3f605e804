"""Builds the extension modules; all else about the package is in pyproject.toml.

``basicaer/_kernels.pyx`` is compiled several times, each time under another module name and for
another instruction set (``VARIANTS``), and the fittest that the processor can run is chosen when
basicaer is imported. An extension module must know its own name, so each build translates a copy
of the source; the copies, and the C made of them, live below the build directory only.

Python modules that every small `run()` passes (``COMPILED``) are compiled as they are, which takes
a third off its time. They work without that too: a build in place and a checked build leave them as
Python, so that whoever changes their source sees the change.

Which flags are used, and which variants are built at all, is decided by asking the compiler that
really runs. A variant it does not know is left out. Nothing is ever compiled for the processor of
the machine that builds: the package must run on another node of the same cluster.

The environment variable BASICAER_BUILD chooses the kind of build (default "release"):
    debug   no optimisation, bounds checks on every access
    asan    address sanitizer
    ubsan   undefined-behaviour sanitizer, aborts at the first finding
    asan-ubsan  both
    tsan    thread sanitizer
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shutil
import tempfile
from collections.abc import Iterator

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

# Module name -> (source it is made of, compiler family -> flag sets, the first known one is used).
# "gnu" is gcc, clang and whatever takes their options. An empty set always works.
BASELINE = {"gnu": [[]], "msvc": [[]]}
AVX2 = {
    "gnu": [
        ["-march=x86-64-v3"],
        ["-mavx2", "-mfma", "-mbmi", "-mbmi2", "-mf16c", "-mlzcnt", "-mmovbe", "-mpopcnt"],
    ],
    "msvc": [["/arch:AVX2"]],
}
AVX512 = {
    "gnu": [
        [*flags, *width]
        for flags in (
            ["-march=x86-64-v4"],
            [
                *AVX2["gnu"][1],
                *("-mavx512f", "-mavx512cd", "-mavx512bw", "-mavx512dq", "-mavx512vl"),
            ],
        )
        for width in (["-mprefer-vector-width=512"], [])
    ],
    "msvc": [["/arch:AVX512"]],
}
MODULES = {
    "basicaer._kernels": ("basicaer/_kernels.pyx", BASELINE),
    "basicaer._kernels_avx2": ("basicaer/_kernels.pyx", AVX2),
    "basicaer._kernels_avx512": ("basicaer/_kernels.pyx", AVX512),
    "basicaer._engine.plan.planner": ("basicaer/_engine/plan/planner.pyx", BASELINE),
    "basicaer._engine.shots.outcomes": ("basicaer/_engine/shots/outcomes.pyx", BASELINE),
    "basicaer._engine.gradient.sites": ("basicaer/_engine/gradient/sites.pyx", BASELINE),
    "basicaer._engine.state.small": ("basicaer/_engine/state/small.pyx", BASELINE),
    "basicaer._qiskit.circuits.gate_reader": (
        "basicaer/_qiskit/circuits/gate_reader.pyx",
        BASELINE,
    ),
}

# None of them warns: what is compiled has no frames, which the stack level of a warning counts.
COMPILED = (
    "basicaer._engine.allowance",
    "basicaer._engine.control",
    "basicaer._engine.execute",
    "basicaer._engine.once",
    "basicaer._engine.one_pass",
    "basicaer._engine.program",
    "basicaer._engine.state.unplanned",
    "basicaer._engine.task",
    "basicaer._engine.work",
    "basicaer._jobs.queue",
    "basicaer._jobs.run",
    "basicaer._qiskit.circuits.lower",
    "basicaer._qiskit.circuits.parameter_binds",
    "basicaer._qiskit.late",
    "basicaer._qiskit.prepare",
    "basicaer._qiskit.request",
    "basicaer._qiskit.result",
)
MODULES.update({name: (name.replace(".", "/") + ".py", BASELINE) for name in COMPILED})

# Python means the same in them as elsewhere: no types from annotations, every index is checked.
AS_PYTHON = {
    "language_level": 3,
    "annotation_typing": False,
    "infer_types": False,
    "boundscheck": True,
    "wraparound": True,
    "cdivision": False,
}

HEADERS = sorted(glob.glob("basicaer/_engine/*/*.h"))

# Contraction to FMA is wanted. Signed zeros, NaN and the order of sums are kept, so no -ffast-math;
# only errno and floating-point traps, which nobody reads, are given up to let loops vectorise.
GNU_FLAGS = ["-O3", "-g0", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
GNU_CHECKED_FLAGS = ["-O1", "-g", "-fno-omit-frame-pointer", "-ffp-contract=fast"]
MSVC_FLAGS = ["/O2"]

SANITIZERS = {
    "asan": ["-fsanitize=address"],
    "ubsan": ["-fsanitize=undefined", "-fno-sanitize-recover=all"],
    "asan-ubsan": ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
    "tsan": ["-fsanitize=thread"],
}
MODES = ("release", "debug", *SANITIZERS)

PROBE = """
#if defined(PROBE_X86_64) && !defined(__x86_64__) && !defined(_M_X64)
#error "not x86-64"
#endif
int probe(int i) { return i + 1; }
"""


def build_mode() -> str:
    mode = os.environ.get("BASICAER_BUILD", "") or "release"
    if mode not in MODES:
        raise SystemExit(f"BASICAER_BUILD is {mode!r}; it must be one of {', '.join(MODES)}")
    return mode


class BuildExtensions(build_ext):
    """Chooses the flags, makes the copies, runs Cython, and then compiles as usual."""

    def finalize_options(self) -> None:
        super().finalize_options()
        if self.parallel is None:
            self.parallel = min(4, os.cpu_count() or 1)

    def run(self) -> None:
        in_place = self.inplace or getattr(self, "editable_mode", False)
        if in_place or build_mode() != "release":
            self._leave_as_python()
        super().run()

    def _leave_as_python(self) -> None:
        """Does not build what is COMPILED, and removes what an earlier build has left of it."""
        for each in [each for each in self.extensions if each.name in COMPILED]:
            self.extensions.remove(each)
            built = os.path.join(self.build_lib, self.get_ext_filename(each.name))
            if os.path.exists(built):
                os.remove(built)

    def build_extensions(self) -> None:
        from Cython.Build import cythonize

        mode = build_mode()
        generated = os.path.join(self.build_temp, "generated", mode)
        # The modules last built may be of another mode and yet newer than all their sources.
        stamp = os.path.join(self.build_temp, "generated", "mode")
        self.force = self.force or not _reads(stamp, mode)

        family = "msvc" if self.compiler.compiler_type == "msvc" else "gnu"
        if family == "msvc" and mode in SANITIZERS:
            raise SystemExit(f"BASICAER_BUILD={mode} needs gcc or clang")
        common, link = self._common_flags(family, mode)

        kept = []
        known = {(): True}  # whether the compiler knows flags
        for extension in self.extensions:
            name = extension.name
            source, flag_sets = MODULES[name]
            flags = None
            for each in flag_sets[family]:
                if tuple(each) not in known:
                    known[tuple(each)] = self._compiles(common + each)
                if known[tuple(each)]:
                    flags = each
                    break
            if flags is None:
                print(f"{name}: this compiler does not know the instruction set, left out")
                continue
            copy = os.path.join(generated, *name.split(".")) + os.path.splitext(source)[1]
            os.makedirs(os.path.dirname(copy), exist_ok=True)
            _copy_source(source, copy, checked=mode == "debug")
            extension.sources = [copy]
            extension.extra_compile_args = common + flags
            extension.extra_link_args = link
            kept.append(extension)

        checked = mode == "debug"
        as_cython = {
            "language_level": 3,
            "boundscheck": checked,
            "initializedcheck": checked,
            "wraparound": False,
            "cdivision": True,
        }
        for python, directives in ((False, as_cython), (True, AS_PYTHON)):
            some = [each for each in kept if (each.name in COMPILED) is python]
            made = [os.path.splitext(each.sources[0])[0] + ".c" for each in some]
            with _keeping_times(made):
                translated = cythonize(
                    some,
                    include_path=[os.curdir],
                    compiler_directives=directives,
                    force=self.force,
                )
            for extension, module in zip(some, translated):
                extension.sources = module.sources
        self.extensions[:] = kept
        super().build_extensions()
        with open(stamp, "w", encoding="utf-8") as file:
            file.write(mode)

    def _common_flags(self, family: str, mode: str) -> tuple[list[str], list[str]]:
        """The flags of every module: for the compiler and for the linker."""
        if family == "msvc":
            return (MSVC_FLAGS if mode == "release" else ["/Od", "/Zi"]), []
        if mode == "release":
            return [flag for flag in GNU_FLAGS if self._compiles([flag])], []
        sanitizer = SANITIZERS.get(mode, [])
        return GNU_CHECKED_FLAGS + sanitizer, sanitizer

    def _compiles(self, flags: list[str]) -> bool:
        """True if the compiler in use takes the flags, all of them, for its target."""
        from distutils.errors import CompileError

        architecture = [flag for flag in flags if flag.startswith(("-m", "/arch"))]
        macros = [("PROBE_X86_64", "1")] if architecture else []
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "probe.c")
            with open(source, "w", encoding="utf-8") as file:
                file.write(PROBE)
            try:
                self.compiler.compile(
                    [source], output_dir=folder, macros=macros, extra_postargs=flags
                )
            except CompileError:
                return False
        return True


def _copy_source(source: str, copy: str, *, checked: bool) -> None:
    """Copies a source and the time of its last change, by which Cython sees what is out of date.

    What a source says itself about checks comes before the directives that Cython is given, so it
    is turned in the copy of a checked build.
    """
    with open(source, encoding="utf-8") as file:
        text = file.read()
    if checked:
        text = re.sub(r"\b(boundscheck|initializedcheck)(\s*[=(]\s*)False", r"\1\2True", text)
    if not _reads(copy, text):
        with open(copy, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        shutil.copystat(source, copy)


@contextlib.contextmanager
def _keeping_times(paths: list[str]) -> Iterator[None]:
    """Gives files that are written anew, but with the same text, the time they had before.

    Cython translates again what it finds older than its own files, which pip installs for each
    build; what has not changed by it need not be compiled again.
    """
    before = {}
    for path in paths:
        if os.path.exists(path):
            with open(path, "rb") as file:
                before[path] = file.read(), os.stat(path)
    yield
    for path, (text, stat) in before.items():
        with open(path, "rb") as file:
            if file.read() == text:
                os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _reads(path: str, text: str) -> bool:
    """True if the file is there and holds the text."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read() == text
    except FileNotFoundError:
        return False


setup(
    cmdclass={"build_ext": BuildExtensions},
    ext_modules=[
        Extension(name, [source], depends=["setup.py", *HEADERS], include_dirs=[os.curdir])
        for name, (source, _) in MODULES.items()
    ],
)
