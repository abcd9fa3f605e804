"""Plans: a sequence of gates becomes operations in cache blocks, as flat arrays.

Read `planner.pyx` for the call, then its stages in their order: `fusion.pxi`, `items.pxi`,
`turns.pxi`, `schedule.pxi`, `passes.pxi`, `operations.pxi`, `registers.pxi`, `held.pxi`. `algebra`
has the small matrices that they multiply. `tape.pxi` and `recipe.pxi` are how a plan is made again
for other coefficients. `layout.pxi` and `gate_codes.h` are what planner and kernels agree on,
`compiled_plan` what is kept of a plan.

Nothing here knows amplitudes: it imports `program`, `costs` and nothing else of the engine.
"""
