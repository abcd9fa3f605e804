"""Executors of mpi4py, in programs that are started the ways mpi4py knows."""

import importlib.util
import os
import shutil
import subprocess
import sys

import pytest

MPIEXEC = shutil.which("mpiexec")
pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("mpi4py") is None, reason="mpi4py is not installed"
    ),
    pytest.mark.skipif(MPIEXEC is None, reason="there is no MPI runtime: no mpiexec on the path"),
]

PROGRAM = """
import sys

from mpi4py import MPI
from mpi4py.futures import MPICommExecutor, MPIPoolExecutor
from qiskit import QuantumCircuit

from basicaer import BasicAer

QASM = BasicAer.get_backend("qasm_simulator")


def circuits():
    made = []
    for number in range(6):
        circuit = QuantumCircuit(3, 3, name=f"circuit {number}")
        circuit.h([0, 1])
        circuit.rx(0.3 * number, 2)
        circuit.measure([0, 1, 2], [0, 1, 2])
        made.append(circuit)
    return made


def use(executor):
    options = {"shots": 300, "seed_simulator": 3, "memory": True}
    here = QASM.run(circuits(), **options).result()
    for more in ({}, {"max_job_size": 2}, {"max_shot_size": 70}):
        there = QASM.run(circuits(), executor=executor, **options, **more).result(60)
        for index in range(6):
            assert there.get_memory(index) == here.get_memory(index), (more, index)
    endless = QuantumCircuit(1, 1, name="endless")
    with endless.while_loop((endless.clbits[0], 0)):
        endless.id(0)
    job = QASM.run([*circuits(), endless], executor=executor, max_iterations=5)
    try:
        job.result(60)
    except Exception as error:
        assert error.basicaer_circuit == (6, "endless"), error
    else:
        raise AssertionError("a loop without end has ended")
    job = QASM.run(circuits() * 50, executor=executor, max_job_size=1)
    assert job.cancel() and job.status().name == "CANCELLED"
    print("all is well")


if __name__ == "__main__":
    if sys.argv[1] == "pool":
        with MPIPoolExecutor(2) as executor:
            use(executor)
    else:
        with MPICommExecutor(MPI.COMM_WORLD, root=0) as executor:
            if executor is not None:
                use(executor)
"""


@pytest.mark.parametrize(
    "processes, arguments",
    [
        pytest.param("1", ["pool"], id="a pool that starts its workers"),
        pytest.param("3", ["-m", "mpi4py.futures", "pool"], id="a pool of given workers"),
        pytest.param("3", ["communicator"], id="a communicator"),
    ],
)
def test_as_on_one_machine(tmp_path, processes, arguments):
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    *module, kind = arguments
    command = [MPIEXEC, "-n", processes, sys.executable, *module, str(program), kind]
    # Open MPI refuses more processes than processors, and the user root, unless it is told.
    settings = {
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
    done = subprocess.run(
        command,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout
    assert "all is well" in done.stdout, done.stdout
