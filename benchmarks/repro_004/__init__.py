"""Reproduction of paper 004 (active generative design of wide-gap materials) on the paper's published formulas.

``make repro-004``
"""
