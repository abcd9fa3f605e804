"""This package in the place of Qiskit's BasicAer: in a process, or for a script.

Read `patch` first, then `command` (`python -m basicaer`) and `script`, the main module of what that
runs.
"""
