"""Simulators in processes of their own, which take their turns on request.

A simulator may need an environment that excludes another's, and libraries of threads disturb each
other in one process. So each simulator lives in a child process, of any Python that has it and
NumPy; circuits travel to it as OpenQASM. Requests and answers are lines of JSON through pipes:

    {"ask": "who", "names": [...]}                           what is installed there
    {"ask": "state", "name": .., "circuit": qasm, "threads": n}           prepare a circuit
    {"ask": "counts", "name": .., "circuits": [qasm, ...], "shots": s, "threads": n}
    {"ask": "amplitudes", "path": "x.npy"}                   call once, and save the state
    {"ask": "turn", "least": seconds, "budget": seconds}     call for a while: {"seconds": [...]}
    {"ask": "forget"}                                        drop the circuit

Times are taken in the child, and a turn is a burst of calls, so the pipes cost nothing.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from circuits import Listed
from measure import TooLongError, Turn, burst, versions
from simulators import ALL, probe

# ----------------------------------------------------------------------------------------------
# The child
# ----------------------------------------------------------------------------------------------


class Worker:
    """Answers requests; holds one prepared circuit."""

    def __init__(self) -> None:
        self.call: Any = None
        self.simulator: Any = None

    def who(self, names: list[str]) -> dict[str, Any]:
        found, missing = [], {}
        for name in names:
            try:
                probe(ALL[name])
                found.append(name)
            except Exception as error:
                missing[name] = f"{type(error).__name__}: {error}".splitlines()[0]
        wanted = dict.fromkeys(each for name in found for each in ALL[name].versions)
        told = versions(("numpy", *wanted))
        ours = sys.modules.get("basicaer")
        return {
            "tree": str(Path(str(ours.__file__)).parents[1]) if ours else None,
            "names": found,
            "missing": missing,
            "python": sys.version.split()[0],
            "versions": {name: v for name, v in told.items() if v != "not installed"},
        }

    def state(self, name: str, circuit: str, threads: int) -> dict[str, Any]:
        self.simulator = ALL[name]
        self.call = self.simulator.prepare(Listed.from_qasm(circuit), threads)
        return {}

    def counts(self, name: str, circuits: list[str], shots: int, threads: int) -> dict[str, Any]:
        self.simulator = ALL[name]
        made = [Listed.from_qasm(circuit) for circuit in circuits]
        self.call = self.simulator.prepare_counts(made, shots, threads)
        return {}

    def amplitudes(self, path: str) -> dict[str, Any]:
        seconds, state = self.call()
        np.save(path, self.simulator.amplitudes(state))
        return {"seconds": seconds}

    def turn(self, least: float, budget: float) -> dict[str, Any]:
        return {"seconds": burst(lambda: self.call()[0], least, budget)}

    def forget(self) -> dict[str, Any]:
        self.call = self.simulator = None
        return {}


def serve() -> None:
    """Answers on the standard output; whatever else is printed goes to the standard error."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = getattr(worker, request.pop("ask"))(**request)
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


# ----------------------------------------------------------------------------------------------
# The parent
# ----------------------------------------------------------------------------------------------


class Child:
    """A worker of another Python, or of other variables of the environment."""

    def __init__(self, python: str, threads: int, **variables: str) -> None:
        self._python, self._threads, self._variables = python, threads, variables
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **self._variables}
        for name in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS", "QULACS_NUM_THREADS"):
            environment[name] = str(self._threads)
        environment["OPENBLAS_NUM_THREADS"] = str(self._threads)
        environment["PYTHONWARNINGS"] = "ignore"
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        command = [self._python, str(Path(__file__).resolve())]
        return subprocess.Popen(command, env=environment, bufsize=0, **pipes)

    def ask(self, what: str, seconds: float = 600.0, **rest: Any) -> dict[str, Any]:
        """Sends a request and returns the answer.

        Raises:
            TooLongError: there was none in time. The process is ended, and the next request starts
                another.
            RuntimeError: the child reports an error, or has died.
        """
        if self._process is None:
            self._process = self._start()
        process = self._process
        assert process.stdin is not None and process.stdout is not None
        data = (json.dumps({"ask": what, **rest}) + "\n").encode()
        try:
            while data:
                data = data[process.stdin.write(data) :]
        except BrokenPipeError:
            pass  # it has died, which the empty read below reports
        until = time.monotonic() + seconds
        while b"\n" not in self._rest:
            ready, _, _ = select.select([process.stdout], [], [], max(0, until - time.monotonic()))
            if not ready:
                self.end()
                raise TooLongError(f"{what}: no answer in {seconds:.0f} s")
            found = os.read(process.stdout.fileno(), 1 << 16)
            if not found:
                code = process.wait()
                self.end()
                raise RuntimeError(f"{self._python} has ended with {code} when asked for {what}")
            self._rest += found
        line, _, self._rest = self._rest.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RuntimeError(answer["error"])
        return answer

    def turn(self, seconds: float) -> Turn:
        """Returns its turns, each of which may take so many seconds."""

        def take(least: float, budget: float) -> list[float]:
            answer = self.ask("turn", seconds=seconds, least=least, budget=budget)
            found: list[float] = answer["seconds"]
            return found

        return take

    def amplitudes(self, seconds: float) -> np.ndarray:
        """Has the prepared circuit run once, and returns its state."""
        with tempfile.TemporaryDirectory() as folder:
            path = str(Path(folder) / "state.npy")
            self.ask("amplitudes", seconds=seconds, path=path)
            return np.load(path)

    def end(self) -> None:
        """Ends the process, if there is one."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
        self._process, self._rest = None, b""


class Environments:
    """Which simulator lives in which environment: the first that has it.

    Args:
        pythons: the interpreters, in order.
        names: of the simulators that are wanted.
        threads: that each may use.

    Attributes:
        told: what each environment is: its Python, packages and simulators.
        missing: simulators that none has, and why not.
    """

    def __init__(self, pythons: list[str], names: list[str], threads: int) -> None:
        self.told: list[dict[str, Any]] = []
        self.missing = dict.fromkeys(names, "")
        self._python: dict[str, str] = {}
        self._children: dict[tuple[str, int], Child] = {}
        for number, python in enumerate(pythons):
            child = Child(python, threads)
            answer = child.ask("who", names=list(self.missing))
            child.end()
            del answer["tree"]
            for name in answer["names"]:
                self._python[name] = python
                del self.missing[name]
            for name, reason in answer.pop("missing").items():
                self.missing[name] = self.missing[name] or reason
            self.told.append({"environment": number + 1, **answer})
        self.names = [name for name in names if name in self._python]

    def child(self, name: str, threads: int) -> Child:
        """Returns the process of a simulator, one for each number of threads."""
        key = (name, threads)
        if key not in self._children:
            self._children[key] = Child(self._python[name], threads)
        return self._children[key]

    def end(self) -> None:
        for child in self._children.values():
            child.end()


def everywhere(pythons: list[str]) -> list[str]:
    """This Python and the others, as told on a command line."""
    return list(dict.fromkeys([sys.executable, *pythons]))


if __name__ == "__main__":
    serve()
