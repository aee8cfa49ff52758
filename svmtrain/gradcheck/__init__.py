"""Checks of gradients that know no loss: they take callables and compare what comes out."""
