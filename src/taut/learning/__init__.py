"""The learning loop: chunks of compiled steps, checkpoints, monitors, progress."""
