"""States: the amplitudes of one circuit and the operations on them.

Read `state` first. `unplanned` says which gates need no plan, `small` applies them one by one to
states of up to six qubits, and goes from gates to outcomes where nobody asks for the state: of one
circuit or of groups of them. `dispatch` chooses the build of the kernels, `buffers` allocates
memory, `reduction_tables` computes index tables for sums over a state, `sampler` turns uniforms
into outcomes. `amplitudes` is the interface of a state.

Only `small` makes uniforms itself, those of a seed; all else is handed them.
"""
