"""Krylov methods, one file each."""
