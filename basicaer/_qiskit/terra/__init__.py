"""What only qiskit-terra has: configurations of backends and Qobj."""
