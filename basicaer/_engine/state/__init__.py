"""States: the amplitudes of one circuit and the operations on them.

Read `state` first. `unplanned` says which gates need no plan, `small` applies them one by one to
states of up to six qubits. `dispatch` chooses the build of the kernels, `buffers` allocates memory,
`reduction_tables` computes index tables for sums over a state, `sampler` turns uniforms into
outcomes. `amplitudes` is the interface of a state.

Nothing here generates random numbers.
"""
