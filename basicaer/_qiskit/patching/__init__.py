"""This package in the place of Qiskit's simulators: in a process, or for a script.

Read `patch` first, then `execute`, which it brings back, `command` (`python -m basicaer`) and
`script`, the main module of what that runs.
"""
