"""taut.fit: prepare, choose, run, assemble."""
