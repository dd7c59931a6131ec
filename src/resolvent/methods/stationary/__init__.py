"""Stationary methods in residual form, one file each."""
