"""Kernel: what every floor may use; it knows no feature and no engine."""
