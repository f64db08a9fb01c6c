"""What is subtracted from a score-function estimate to make it less noisy."""
