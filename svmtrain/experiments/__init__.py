"""Many runs asked for at once: cross-validation, sweeps over settings, learning curves."""
