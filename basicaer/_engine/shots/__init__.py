"""Shots: outcomes of programs that measure, reset and branch in their middle.

Read `flatten` (a body as flat `instructions`), `deferral` (which draws need no branch), `branch`
(one history of outcomes), then the two ways to go down the tree of outcomes: `batched`, all shots at
once, and `sequential`, one after another. `draws` and `outcomes.pyx` turn uniforms into outcomes,
`classical` evaluates conditions.

Nothing here touches an amplitude but through a state.
"""
