"""Elastic tensors: averages, mechanical stability, and the finite-strain scheme that measures them."""
