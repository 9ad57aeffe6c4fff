"""Plots of a report, one function a plot; each gives a `Plot` with its caption and the figure of the paper."""
