"""The eleven pairs of space groups that are mirror images of one another: no powder pattern tells them apart."""

from __future__ import annotations

#: Numbers of both hands, P4(1) and P4(3) to P4(3)32 and P4(1)32; the first stands for both.
MIRROR_IMAGES = (
    *((76, 78), (91, 95), (92, 96), (144, 145), (151, 153), (152, 154)),
    *((169, 170), (171, 172), (178, 179), (180, 181), (212, 213)),
)

_OTHER = {number: other for left, right in MIRROR_IMAGES for number, other in ((left, right), (right, left))}


def mirror_image(space_group_number: int) -> int | None:
    """Return the other hand of a space group (1 to 230), None of one that is its own mirror image."""
    return _OTHER.get(space_group_number)


def one_hand(space_group_number: int) -> int:
    """Return the smaller number of a space group and its mirror image."""
    return min(space_group_number, _OTHER.get(space_group_number, space_group_number))
