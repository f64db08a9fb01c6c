"""Nested variational inference for mixed models: q(w given t) for fixed scales t, and t integrated. Arrays only.

From the bottom up: `layout` (the linear predictor) and `parts` (single rows of it), `scales` (what t means) and
`priors`, `precision` and `sparse` (linear algebra in blocks), `effects` and `exact` (what q says of a group's effects),
`inner` (the best q at given t), `outer` (the mode of t), `lattice` and `scattered` (the nodes of t), `nodes` and
`solution` (the mixture), `choice` and `correction` (where a Gaussian is too poor), `rows` (a likelihood, compiled) and
`thresholds` (ordered levels as such rows), `fit`, which calls them, `weights` (what a verdict asks of the answer), and
`cavities`, `left_out` and `levels_left_out` (what is left when rows are taken away).
"""
