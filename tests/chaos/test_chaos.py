"""Studies under faults end as if nothing had been: the same rows, bit for bit, nothing doubled and nothing lost.

`make test` lets one short schedule loose, `make chaos` twenty long ones. MATSIFT_CHAOS=7:9 runs the seeds 7 and 8 as
`make chaos` does, so that what failed can be replayed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.chaos.contents import Contents, contents, differences
from tests.chaos.place import Place, Surroundings, milestones
from tests.chaos.storm import Storm, schedule
from tests.factories import density_study, generative_study, oxide_study, space_group_study
from tests.factories.kill_study import KillStudy
from tests.factories.small_study import write_small_study
from tests.flows.ledger_story import check_story

from matsift_schema.engine import upgrade

pytestmark = pytest.mark.slow

SEEDS = os.environ.get("MATSIFT_CHAOS")
N_FAULT = 6


def _thousand(folder: Path) -> Path:
    """A thousand structures, four descriptor sets, and a campaign whose oracle computes."""
    study = KillStudy(folder, n_labelled=646, n_pool=187, n_other=238, sets=("magpie", "mp", "voronoi"), batch=4)
    return study.path


#: In their turns, by the seed.
STUDIES: dict[str, Callable[[Path], Path]] = {
    "campaign on a thousand structures": _thousand,
    "replayed campaign, screening, judgement": write_small_study,
    "screening factors": oxide_study.write_study,
    "space groups": space_group_study.write_study,
    "charge densities": density_study.write_density_study,
    "generated compositions": generative_study.write_generative_study,
}


@dataclass(frozen=True)
class Calm:
    """What a study leaves where nothing befalls it."""

    path: Path
    contents: Contents
    milestones: dict[str, int]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chaos")


@pytest.fixture(scope="module")
def around(folder: Path) -> Iterator[Surroundings]:
    found = Surroundings(folder, folder / "0")
    found.server.copy("template0", "prepared")
    upgrade(found.server.url("prepared"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def calm(around: Surroundings, folder: Path) -> Callable[[int], Calm]:
    known: dict[int, Calm] = {}

    def run(number: int) -> Calm:
        if number not in known:
            path = list(STUDIES.values())[number](folder / str(number))
            around.server.copy("prepared", f"calm{number}")
            place = Place(around, path, f"calm{number}")
            command = place.start()
            assert command.wait(600) == 0, command.stderr
            known[number] = Calm(path, contents(place.url), milestones(place.url))
            place.close()
        return known[number]

    return run


def _seeds() -> range:
    if SEEDS is None:
        return range(1, 2)
    first, _, end = SEEDS.partition(":")
    return range(int(first), int(end or int(first) + 1))


@pytest.mark.parametrize("seed", _seeds())
def test_a_storm_leaves_no_trace(
    around: Surroundings, calm: Callable[[int], Calm], seed: int, record_property: Callable[[str, object], None]
) -> None:
    number = seed % len(STUDIES)
    expected, storm = calm(number), Storm()
    around.server.copy("prepared", f"seed{seed}")
    place = Place(around, expected.path, f"seed{seed}")
    try:
        storm.run(place, seed, N_FAULT if SEEDS else 3, expected.milestones)
        what = f"seed {seed} ({list(STUDIES)[number]}): {', '.join(map(str, schedule(seed, N_FAULT)))}"
        assert storm.odd == [], what
        assert differences(expected.contents, contents(place.url)) == [], what
        if number == 0:  # labels that a computing oracle gave
            check_story(place.url)
    finally:
        for name in ("struck", "missed", "ends"):
            record_property(name, dict(getattr(storm, name)))
        place.close()
