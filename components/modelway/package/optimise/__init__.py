"""Variants of a model that are smaller or quicker: made, measured, and one of them chosen.

`run` is the way through: `split` parts the sample rows, `make` makes variants and `measure` runs
them, both in processes of their own (`apart`), `accuracy` compares answers and `choice` decides.
"""
