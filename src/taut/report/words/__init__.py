"""Sentences and numbers that terminal and pages share."""
