"""Reproduction of paper 002 (space group and cell volume from ideal powder profiles) on published structures.

``make repro-002``
"""
