"""What linear predictors tell of a Gaussian's errors: exact expectations where other models need draws."""
