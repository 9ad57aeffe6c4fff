"""What a pattern is: by search, by networks, by both; mixtures; what the answers say of their certainty."""

from __future__ import annotations

import numpy as np
import pytest
import spglib
from numpy.typing import NDArray
from tests.platform_.test_diffraction_search import measured, random_profiles

from matsift.diffraction.certainty import Certainty
from matsift.diffraction.ensemble import SpaceGroupEnsemble, VolumeScale
from matsift.diffraction.identify import identify
from matsift.diffraction.mixture import decompose, shares
from matsift.diffraction.networks import NetworkShape, SpaceGroupNet
from matsift.diffraction.peaks import PeakList
from matsift.diffraction.search import ProfileIndex
from matsift.diffraction.sparse import SparseProfiles
from matsift.diffraction.together import SEARCH_ALONE, Evidence, Observation
from matsift.errors import UserInputError
from matsift.mirror_images import mirror_image, one_hand


@pytest.fixture(scope="module")
def index() -> ProfileIndex:
    return ProfileIndex.build(random_profiles(300, seed=9), np.arange(1000, 1300), np.arange(300) % 230 + 1)


@pytest.fixture(scope="module")
def ensemble() -> SpaceGroupEnsemble:
    """Return two untrained members that know volumes."""
    shape = NetworkShape(n_class=3, width=4, volume=True)
    members = tuple(
        {name: value.numpy() for name, value in SpaceGroupNet(shape).state_dict().items()} for _ in range(2)
    )
    return SpaceGroupEnsemble(
        shape, (14, 62, 225), members, (1, 2), {}, VolumeScale(5.0, 0.5), Certainty(1.0, 0.2, 0.9, 50), (0.95, 1.02)
    )


def together(index: ProfileIndex, first: int, second: int, amount: float) -> PeakList:
    """Return the lines of two profiles of an index in one pattern."""
    q = np.concatenate([index.lines(first)[0], index.lines(second)[0]])
    intensity = np.concatenate([index.lines(first)[1], amount * index.lines(second)[1]])
    order = np.argsort(q)
    return measured(q[order], intensity[order], scale=1.003, zero=0.025)


def test_a_stored_profile_is_identified_by_search_alone(index: ProfileIndex) -> None:
    answer = identify(measured(*index.lines(40), scale=0.99, zero=0.05), index, None, n_phase=7)
    first = answer.phases[0]
    assert (first.row, first.structure_id, first.space_group_number, first.rank) == (40, 1040, 41, 1)
    assert first.cell_scale == pytest.approx(0.99, abs=0.001)
    assert first.share == pytest.approx(1.0, abs=0.02)
    assert len(answer.phases) == 7
    assert answer.groups[0].space_group_number == 41
    assert answer.groups[0].search_score == first.score
    assert answer.groups[0].network_probability is None
    assert answer.groups[0].member_probabilities == ()
    assert answer.volume is None
    assert [phase.row for phase in answer.mixture] == [40]
    assert 0.9 < sum(group.probability for group in answer.groups) <= 1.0
    assert [group.rank for group in answer.groups] == list(range(1, len(answer.groups) + 1))


def test_the_sticks_of_a_phase_lie_on_the_measured_lines(index: ProfileIndex) -> None:
    peaks = measured(*index.lines(40), scale=0.99, zero=0.05)
    stick = identify(peaks, index, None).phases[0]
    assert stick.q == pytest.approx(peaks.q, abs=6e-4)
    assert stick.intensity.max() == 1.0


@pytest.mark.parametrize("amount", [0.3, 0.6])
def test_two_phases_are_told_apart(index: ProfileIndex, amount: float) -> None:
    hits = 0
    for first, second in [(10, 250), (33, 99), (120, 7), (201, 202), (55, 160)]:
        peaks = together(index, first, second, amount)
        answer = identify(peaks, index, None)
        hits += {phase.row for phase in answer.mixture} == {first, second}
        assert sum(phase.share for phase in answer.mixture) <= 1 + 1e-9
    assert hits >= 4


def test_one_phase_stays_one(index: ProfileIndex) -> None:
    for row in range(20):
        peaks = measured(*index.lines(row), scale=1.004)
        parts = decompose(index, peaks, index.search(peaks, n=5))
        assert len(parts) == 1
        assert shares(parts, peaks)[0] > 0.95


def test_networks_alone_rank_their_groups(ensemble: SpaceGroupEnsemble, index: ProfileIndex) -> None:
    answer = identify(measured(*index.lines(3)), None, ensemble)
    said = ensemble.predict(measured(*index.lines(3)).to_sparse())
    assert {group.space_group_number for group in answer.groups} == {14, 62, 225}
    assert sum(group.probability for group in answer.groups) == pytest.approx(1.0)
    best = int(np.argmax(said.probabilities[0]))
    assert answer.groups[0].space_group_number == ensemble.groups[best]
    assert answer.groups[0].member_probabilities == pytest.approx(said.members[:, 0, best])
    assert set(answer.likely_set) == {14, 62, 225}  # untrained: a third each, above the threshold
    assert not answer.is_sure
    assert "3 groups" in answer.reason
    assert answer.phases == answer.mixture == ()
    assert answer.volume is not None
    assert answer.volume.lower_quartile < answer.volume.median < answer.volume.upper_quartile
    assert len(answer.volume.members) == 2


def test_network_and_search_rank_the_groups_of_both(ensemble: SpaceGroupEnsemble, index: ProfileIndex) -> None:
    answer = identify(measured(*index.lines(40)), index, ensemble)
    numbers = [group.space_group_number for group in answer.groups]
    assert {14, 62, 225, 41} <= set(numbers)
    assert len(numbers) == len(set(numbers))
    group = answer.groups[numbers.index(41)]
    assert group.network_probability is None
    assert group.search_score is not None


def test_without_index_and_networks_there_is_one_sentence(index: ProfileIndex) -> None:
    with pytest.raises(UserInputError, match="nothing to identify a pattern with"):
        identify(measured(*index.lines(3)), None, None)


def test_a_pattern_outside_the_range_is_refused(index: ProfileIndex) -> None:
    below = PeakList(np.array([0.05]), np.ones(1), np.array([4.0]), np.ones(1), 1.54, 0.04, 0.09)
    with pytest.raises(UserInputError, match="no line between"):
        identify(below, index, None)


def test_two_lines_settle_nothing(index: ProfileIndex) -> None:
    q, intensity = index.lines(40)
    answer = identify(measured(q[:2], intensity[:2]), index, None)
    assert not answer.is_sure
    assert "2 lines" in answer.reason


def test_profiles_of_unknown_group_are_phases_but_no_groups() -> None:
    index = ProfileIndex.build(random_profiles(5), np.arange(5))
    answer = identify(measured(*index.lines(2)), index, None)
    assert answer.phases[0].space_group_number is None
    assert answer.groups == ()
    assert not answer.is_sure


def test_a_group_and_its_mirror_image_are_one_answer() -> None:
    profiles = random_profiles(60, seed=4)
    twice = SparseProfiles.concatenate([profiles, profiles.take([7])])
    groups = np.full(61, 225)
    groups[[7, 60]] = 152, 154
    index = ProfileIndex.build(twice, np.arange(61), groups)
    answer = identify(measured(*index.lines(7)), index, None)
    assert set(answer.likely_set) == {152, 154}
    assert answer.is_sure
    assert "mirror image" in answer.reason


def test_every_group_with_a_hand_has_one_other_of_its_point_group() -> None:
    kinds = [spglib.get_spacegroup_type(hall) for hall in range(1, 531)]
    point_groups = {kind.number: kind.pointgroup_international for kind in kinds if kind is not None}
    chiral = [number for number in range(1, 231) if mirror_image(number) is not None]
    assert len(chiral) == 22
    for number in chiral:
        other = mirror_image(number)
        assert other is not None
        assert mirror_image(other) == number
        assert point_groups[number] == point_groups[other]
        assert one_hand(number) == one_hand(other) == min(number, other)
    assert one_hand(225) == 225


def test_a_phase_that_explains_nothing_still_has_its_sticks() -> None:
    index = ProfileIndex.build(SparseProfiles.from_lists([[1000, 5000]], [[1.0, 0.5]]), np.arange(1), np.array([14]))
    q, _ = index.lines(0)
    lonely = measured(np.array([q[0] * 1.001, 0.9]), np.array([1e-6, 1.0]))
    phases = identify(lonely, index, None).phases
    assert len(phases) == 1
    assert phases[0].intensity.max() == 1.0
    assert 0 <= phases[0].share <= 1


def observations(
    n: int, *, good_network: bool, good_search: bool, seed: int = 0
) -> tuple[list[Observation], list[int]]:
    """Return evidence about one of four groups, where network and search know the truth or guess."""
    rng = np.random.default_rng(seed)
    groups = np.array([2, 14, 62, 225])
    made, truth = [], []
    for _ in range(n):
        true = int(rng.integers(4))
        said = rng.integers(4) if not good_network else true if rng.random() < 0.8 else rng.integers(4)
        found = rng.integers(4) if not good_search else true if rng.random() < 0.8 else rng.integers(4)
        probabilities = np.full(4, 0.1)
        probabilities[said] = 0.7
        scores = np.array([0.9, 0.6, 0.55, 0.5])
        order = np.concatenate([[found], np.setdiff1d(rng.permutation(4), [found])])
        made.append(Observation(groups, probabilities, groups[order], scores))
        truth.append(int(groups[true]))
    return made, truth


@pytest.mark.parametrize(("network", "search"), [(True, False), (False, True)], ids=["network", "search"])
def test_the_fit_trusts_the_one_that_knows(network: bool, search: bool) -> None:
    fitted = Evidence.fit(*observations(300, good_network=network, good_search=search))
    assert (abs(fitted.network) > 5 * abs(fitted.search) / 3) == network
    assert fitted.n_pattern == 300


def test_both_together_are_right_more_often_than_each() -> None:
    fitted = Evidence.fit(*observations(400, good_network=True, good_search=True))
    made, truth = observations(1000, good_network=True, good_search=True, seed=1)
    answers = [fitted.probabilities(seen) for seen in made]
    right = np.mean([groups[0] == true for (groups, _), true in zip(answers, truth, strict=True)])
    covered = np.mean([true in groups[fitted.in_set(p)] for (groups, p), true in zip(answers, truth, strict=True)])
    network = np.mean(
        [seen.network_groups[seen.network_probabilities.argmax()] == t for seen, t in zip(made, truth, strict=True)]
    )
    assert right >= network - 0.02
    assert 0.86 < covered <= 1.0


def test_a_group_that_was_not_found_counts_as_the_last_match() -> None:
    seen = Observation(np.array([1, 2]), np.array([0.5, 0.5]), np.array([2, 9]), np.array([0.8, 0.4]))
    groups, features = seen.candidates()
    assert groups.tolist() == [1, 2, 9]
    assert features[:, 1] == pytest.approx(-np.log(1.05 - np.array([0.4, 0.8, 0.4])))
    assert features[:, 2] == pytest.approx(np.log([1, 2, 2]))
    assert features[2, 0] == pytest.approx(np.log(0.5 + 1e-3))


def test_an_undecided_network_says_nothing_of_a_group_that_it_was_not_taught() -> None:
    undecided, sure = np.full(4, 0.25), np.array([0.97, 0.01, 0.01, 0.01])
    found, scores = np.array([9, 1]), np.array([0.8, 0.75])
    evidence = Evidence(network=1.0, search=5.0, number=0.0, unknown=-50.0, threshold=0.05)

    def shares(probabilities: NDArray[np.float64]) -> dict[int, float]:
        groups, said = evidence.probabilities(Observation(np.array([1, 2, 3, 4]), probabilities, found, scores))
        return dict(zip(groups.tolist(), said.tolist(), strict=True))

    alone = SEARCH_ALONE.probabilities(Observation(np.zeros(0, np.int64), np.zeros(0), found, scores))[0]
    assert alone[0] == 9
    even = shares(undecided)
    assert even[9] / even[1] == pytest.approx((0.3 / 0.25) ** 5)
    assert shares(sure)[1] > shares(sure)[9]


def test_the_weights_survive_json() -> None:
    weights = Evidence(0.5, 3.0, 0.2, 1.0, 0.1)
    assert Evidence(**weights.plain()) == weights


def test_too_few_patterns_are_refused() -> None:
    with pytest.raises(UserInputError, match="at least 20"):
        Evidence.fit(*observations(5, good_network=True, good_search=True))
