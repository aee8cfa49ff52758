"""The solvers: schedules of the step size, averaging, and the update itself."""
