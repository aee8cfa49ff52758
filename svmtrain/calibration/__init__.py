"""Probabilities from margins: fitted on rows that trained nothing."""

from svmtrain.calibration.calibration import CALIBRATIONS, Calibration, fit
from svmtrain.calibration.curve import Curve

__all__ = ["CALIBRATIONS", "Calibration", "Curve", "fit"]
