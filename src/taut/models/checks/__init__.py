"""Questions that are asked of a log density before and after it is fitted."""
