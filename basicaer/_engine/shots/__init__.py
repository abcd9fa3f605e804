"""Shots: outcomes of programs with mid-circuit measurements, resets and control flow.

Read `flatten` (turns a body into flat `instructions`), `deferral` (finds draws that need no
branch), `branch` (one history of outcomes), then the two ways to walk the tree of outcomes:
`batched`, all shots at once, and `sequential`, one after another. `shot_by_shot` shares nothing
between shots. `mixture` follows all outcomes instead and draws none. `draws` and `outcomes.pyx`
turn uniforms into outcomes, `classical` evaluates conditions.

`groups` is apart from them: many small circuits, from their gates to counts.

Amplitudes are reached through the methods of a state only.
"""
