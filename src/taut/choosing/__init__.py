"""The sentences that were left open: names, rules, and a pilot run for the gradient estimator."""
