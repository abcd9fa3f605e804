"""States: the amplitudes of one circuit and the operations on them.

Read `state` first. `dispatch` chooses the build of the kernels, `buffers` allocates memory, `small`
applies gates one by one to states of up to six qubits, where `unplanned` says that they are not
planned, `reduction_tables` computes index tables for sums over a state, `sampler` turns uniforms
into outcomes. `amplitudes` is the interface of a state.

Nothing here generates random numbers.
"""
