"""Low-rank factors from some entries."""
