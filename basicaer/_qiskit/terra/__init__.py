"""What exists only in qiskit-terra: configurations of backends, and Qobj."""
