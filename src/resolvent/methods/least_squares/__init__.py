"""Methods for linear least squares."""
