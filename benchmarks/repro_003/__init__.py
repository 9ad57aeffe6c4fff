"""Reproduction of paper 003 (elastic moduli of cubic crystals by networks on charge densities) on published labels.

``make repro-003``
"""
