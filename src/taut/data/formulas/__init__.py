"""Formulas in: the design of a regression with groups, learned of a table and applied to later ones."""
