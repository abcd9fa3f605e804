"""Exact gradients of expectation values by the adjoint method.

In reading order: `adjoint` (what callers use, and the method), `generators` (the derivative of each
gate of the table), `levels` (which derivatives are taken at the same time), `structure` (programs
as one gate run, and the inverse gates), `sites` (compiled: sums over the states to derivatives).
"""
