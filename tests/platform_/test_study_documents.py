"""`docs/studies.md` and `docs/study.schema.json` say what the models of a study file say."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, TypeAdapter
from pydantic_core import PydanticUndefined

from matsift.ranking.objectives import Objective
from matsift.screening.criteria import Criterion
from matsift.screening.quality import QualityRule
from matsift.study.bond_valence import BondValenceSettings, ScreeningFactorRange
from matsift.study.campaign import HeldBackSettings, StopSettings
from matsift.study.density import DensityLearner, DensitySettings, DensityTraining, LeaveOut
from matsift.study.diffraction import (
    AugmentationSettings,
    DiffractionSettings,
    DiffractionTraining,
    NetworkSettings,
)
from matsift.study.duplicates import DuplicateSettings
from matsift.study.generative import (
    CompositionAutoencoder,
    CompositionGan,
    GenerativeSettings,
    KnownFormulas,
    LatentSearch,
    SamplingLimits,
    StructureSettings,
    TopCandidates,
)
from matsift.study.label_column import LabelColumn
from matsift.study.loading import parse_study
from matsift.study.materials_project import MaterialsProjectFilter
from matsift.study.mobility import MobilitySettings
from matsift.study.oracles import OracleSettings
from matsift.study.ranking import PriceSettings
from matsift.study.settings import Study
from matsift.study.sources import JoinedTable, SourceSettings, StructureColumn
from matsift.study.strategies import StrategySettings

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
STUDIES = (DOCS / "studies.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^## `(.+?)`\n(.*?)(?=^## |\Z)", STUDIES, re.MULTILINE | re.DOTALL))
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("**/*.md"))]


def variants(union: object) -> tuple[type[BaseModel], ...]:
    """The models of an annotated union told apart by `kind`."""
    found: tuple[type[BaseModel], ...] = get_args(get_args(union)[0])
    return found


def kind(model: type[BaseModel]) -> str:
    return str(get_args(model.model_fields["kind"].annotation)[0])


SOURCES, RULES, CRITERIA = variants(SourceSettings), variants(QualityRule), variants(Criterion)
#: Heading of the section -> the models whose keys it explains.
EXPLAINED: dict[str, tuple[type[BaseModel], ...]] = {
    f"[{name}]": (field.annotation,)
    for name, field in Study.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
}
EXPLAINED["[[sources]]"] = (*SOURCES, StructureColumn, LabelColumn, JoinedTable, MaterialsProjectFilter)
EXPLAINED["[duplicates]"] = (DuplicateSettings,)
EXPLAINED["[mobility]"] = (MobilitySettings,)
EXPLAINED["[ranking]"] += (Objective, PriceSettings)
EXPLAINED["[bond_valence]"] = (BondValenceSettings, ScreeningFactorRange)
EXPLAINED["[diffraction]"] = (DiffractionSettings, DiffractionTraining, AugmentationSettings, NetworkSettings)
EXPLAINED["[density]"] = (DensitySettings, LeaveOut, DensityTraining, DensityLearner)
EXPLAINED["[generative]"] = (
    *(GenerativeSettings, KnownFormulas, CompositionAutoencoder, CompositionGan, SamplingLimits),
    *(LatentSearch, StructureSettings, TopCandidates),
)
EXPLAINED["[labels]"] += RULES
EXPLAINED["[campaign]"] += (StopSettings, HeldBackSettings)
EXPLAINED["[campaign]"] += variants(StrategySettings)
EXPLAINED["[campaign]"] += variants(OracleSettings)
EXPLAINED["[[screening]]"] = CRITERIA


def test_every_table_of_a_study_file_has_its_section() -> None:
    assert set(SECTIONS) == set(EXPLAINED)
    assert {key.strip("[]") for key in EXPLAINED} == set(Study.model_fields)


@pytest.mark.parametrize("section", EXPLAINED)
def test_every_key_and_every_kind_is_explained_in_its_section(section: str) -> None:
    keys = {key for model in EXPLAINED[section] for key in model.model_fields}
    kinds = {kind(model) for model in EXPLAINED[section] if "kind" in model.model_fields and kind_is_fixed(model)}
    words = set(re.findall(r"`([^`\n]+)`", SECTIONS[section]))
    said = {word for text in words for word in re.findall(r"\w+", text)}
    assert keys - {"kind"} <= said, f"not in docs/studies.md, {section}"
    assert kinds <= said


@pytest.mark.parametrize("section", EXPLAINED)
def test_no_row_explains_a_key_or_a_kind_that_does_not_exist(section: str) -> None:
    models = EXPLAINED[section]
    known = {key for model in models for key in model.model_fields}
    known |= {kind(model) for model in models if "kind" in model.model_fields and kind_is_fixed(model)}
    first_cells = re.findall(r"^\| (`.+?) \|", SECTIONS[section], re.MULTILINE)
    explained = {word for cell in first_cells for word in re.findall(r"`(\w+)`", cell)}
    assert explained - known == set()


@pytest.mark.parametrize("section", [f"[{name}]" for name in Study.model_fields if f"[{name}]" in EXPLAINED])
def test_a_default_that_is_a_number_or_a_word_is_the_one_of_the_code(section: str) -> None:
    model = EXPLAINED[section][0]
    shown = dict(re.findall(r"^\| `(\w+)` \| .* \| (.+?) \|$", SECTIONS[section], re.MULTILINE))
    for key, field in model.model_fields.items():
        if field.default is PydanticUndefined:
            assert shown[key] == "required", key
        elif isinstance(field.default, str | int | float) and field.default != "":
            default = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
            as_in_toml = default.lower() if isinstance(field.default, bool) else default
            assert shown[key].strip("`") == as_in_toml, key


def test_the_json_schema_for_editors_is_that_of_the_models() -> None:
    written = (DOCS / "study.schema.json").read_text("utf-8")
    assert json.loads(written) == Study.model_json_schema(), "run `make docs`"


def test_the_study_file_of_the_readme_is_valid() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    study = parse_study(tomllib.loads(example), "README.md")
    assert [source.kind for source in study.sources] == ["table", "files"]


def test_the_sources_shown_in_the_documentation_are_valid() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", SECTIONS["[[sources]]"], re.DOTALL)
    for source in tomllib.loads(example)["sources"]:
        assert TypeAdapter(SourceSettings).validate_python(source).name == source["name"]


def test_the_strategies_shown_in_the_documentation_are_valid() -> None:
    (example,) = re.findall(r"```toml\n(\[campaign\]\nstrategies.*?)```", SECTIONS["[campaign]"], re.DOTALL)
    given = tomllib.loads(example)["campaign"]["strategies"]
    assert [TypeAdapter(StrategySettings).validate_python(item).name for item in given] == [
        "exploration",
        "random",
        "cautious",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)", page.read_text("utf-8"))
    missing = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert missing == []


def test_the_index_names_every_page() -> None:
    index = (DOCS / "index.md").read_text("utf-8")
    pages = [page.name for page in DOCS.glob("*.md") if page.name != "index.md"]
    assert [name for name in pages if f"({name})" not in index] == []


def kind_is_fixed(model: type[BaseModel]) -> bool:
    """Whether `kind` tells the model apart; the learner's kind is a choice of its own."""
    return bool(get_args(model.model_fields["kind"].annotation))
