"""Space groups that are mirror images of one another, held against gemmi's tables."""

from __future__ import annotations

import gemmi

from matsift.mirror_images import mirror_image, one_hand


def test_mirror_images_come_in_pairs_that_share_their_crystal_class() -> None:
    pairs = {number: other for number in range(1, 231) if (other := mirror_image(number)) is not None}
    assert len(pairs) == 22
    assert all(pairs[other] == number for number, other in pairs.items())
    group = {number: gemmi.find_spacegroup_by_number(number) for number in pairs}
    assert all(group[n].point_group_hm() == group[m].point_group_hm() for n, m in pairs.items())
    assert all(group[n].is_enantiomorphic() for n in pairs)


def test_both_hands_have_one_number() -> None:
    assert (one_hand(152), one_hand(154), one_hand(225)) == (152, 152, 225)
