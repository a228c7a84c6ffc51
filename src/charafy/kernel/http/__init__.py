"""HTTP as every feature speaks it: one shape of errors, one guard, one set of limits."""
