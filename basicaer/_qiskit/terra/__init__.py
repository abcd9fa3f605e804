"""What Qiskit had before 2.0: Qobj, which 1.x still has, and terra's backends with their
configurations."""
