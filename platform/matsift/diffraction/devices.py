"""The devices of networks, by the names under which this wing's modules know them."""

from matsift.learners.devices import DEVICES, PRECISIONS, chosen_device, fast_type

__all__ = ["DEVICES", "PRECISIONS", "chosen_device", "fast_type"]
