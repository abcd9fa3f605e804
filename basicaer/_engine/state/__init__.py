"""States: the amplitudes of one circuit and all that is done to them.

Read `state` first. `dispatch` chooses the build of the kernels, `buffers` is where memory comes
from, `small` applies gates one by one to states of up to six qubits, `reduction_tables` says how
sums over a state are cut up.

Nothing here draws random numbers or knows of shots.
"""
