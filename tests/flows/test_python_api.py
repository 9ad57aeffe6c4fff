"""What `import matsift` gives notebooks and scripts, on the database that a run of the small study left."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pymatgen.core import Lattice, Structure
from tests.factories.small_study import NAME
from tests.flows.running import Finished, one, rows

import matsift
from matsift.crystal import Crystal
from matsift.errors import UserInputError

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture(scope="module")
def db(reference: Finished) -> Iterator[matsift.Database]:
    with matsift.open(reference.url, home=reference.home) as opened:
        yield opened


@pytest.fixture(scope="module")
def model(db: matsift.Database) -> matsift.Model:
    """The newest ensemble of the shear modulus."""
    known = db.models(NAME)
    own = known[(known["purpose"] == "ensemble") & (known["property_name"] == "g_vrh")]
    return db.model(own["model_hash"].iloc[-1])


def test_the_blocks_of_the_page_run_in_their_order(reference: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATSIFT_DATABASE_URL", reference.url)
    monkeypatch.setenv("MATSIFT_HOME", str(reference.home))
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(block.replace("na_electrolytes", NAME), names)
    assert len(names["stiff"])
    assert names["of_structures"]["problem"].isna().all()
    assert (names["as_stored"]["mean"] == names["of_frame"]["mean"]).all()
    assert len(names["best"])
    assert names["front"]["layer"].min() == 1
    assert names["figures"]


def test_type_checkers_are_told_the_names_that_the_wings_bring() -> None:
    stub = ast.parse((ROOT / "platform" / "matsift" / "__init__.pyi").read_text(encoding="utf-8"))
    told = {
        alias.asname: f"{node.module}:{alias.name}"
        for node in stub.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert told == {entry.name: entry.value for entry in entry_points(group="matsift.api")}
    assert set(told) <= set(dir(matsift))
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        _ = matsift.nothing  # type: ignore[attr-defined]


def test_frames_hold_what_the_views_hold(db: matsift.Database, reference: Finished) -> None:
    of = "WHERE elements @> ARRAY['Na', 'O']"
    sodium = db.structures(["Na", "O"])
    assert len(sodium) == one(reference.url, f"SELECT count(*) FROM analysis.structure {of}") > 0
    assert db.structures(formula=sodium["formula"].iloc[0])["formula"].unique().tolist() == [sodium["formula"].iloc[0]]
    assert len(db.structures(sources=["nobody"])) == 0
    accepted = db.labels("k_vrh", verdict="accepted")
    assert set(accepted["verdict"]) == {"accepted"}
    assert len(accepted) == one(
        reference.url, "SELECT count(*) FROM analysis.label WHERE property_name = 'k_vrh' AND verdict = 'accepted'"
    )
    assert len(db.labels(elements=["Na"], limit=3)) == 3
    said = db.predictions("g_vrh")
    assert (said["lower"] <= said["mean"]).all()
    assert said["structure_hash"].is_unique


def test_columns_have_the_types_that_one_computes_with(db: matsift.Database) -> None:
    frame = db.query("""
        SELECT * FROM (VALUES (1, 1.5, true, 'a', now(), ARRAY['x']), (NULL, NULL, NULL, NULL, NULL, NULL))
        AS t (whole, exact, truth, word, moment, list)
    """)
    kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert kinds == {
        "whole": "Int64", "exact": "float64", "truth": "boolean", "word": "object",
        "moment": "datetime64[us, UTC]", "list": "object",
    }  # fmt: skip
    assert frame["list"].iloc[0] == ["x"]
    assert frame.iloc[1].isna().all()
    assert db.query("SELECT 1 AS n WHERE false").columns.tolist() == ["n"]
    named = db.query("SELECT %(word)s::text AS word, '5 %%' AS share", {"word": "%"})
    assert named.iloc[0].tolist() == ["%", "5 %"]


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("SELECT nothing FROM analysis.structure", 'column "nothing" does not exist'),
        ("DELETE FROM matsift.structure", "read-only transaction"),
        ("SET search_path = analysis", "answers with no table"),
    ],
)
def test_a_query_that_cannot_be_answered_says_why(db: matsift.Database, sql: str, sentence: str) -> None:
    with pytest.raises(UserInputError, match=sentence):
        db.query(sql)
    assert db.query("SELECT 1 AS n")["n"].tolist() == [1]


def test_a_model_says_of_stored_descriptors_what_the_database_holds(db: matsift.Database, model: matsift.Model) -> None:
    stored = db.predictions(model=model.content_hash)
    again = model.predict(stored["structure_hash"])
    for name in ("mean", "spread", "lower", "upper", "coverage"):
        assert (again[name] == stored[name]).all(), name
    assert (again["formula"] == stored["formula"]).all()
    one_hash = stored["structure_hash"].iloc[0]
    assert model.predict(one_hash)["mean"].tolist() == stored["mean"].tolist()[:1]


def test_a_model_says_of_a_structure_from_elsewhere_what_it_says_of_the_same_in_the_database(
    db: matsift.Database, model: matsift.Model
) -> None:
    stored = db.predictions(model=model.content_hash, limit=3)
    gaps = db.query(
        "SELECT structure_hash, min(value) AS gap FROM analysis.label WHERE property_name = 'band_gap' GROUP BY 1"
    ).set_index("structure_hash")["gap"]
    known = [float(gaps.get(key, np.nan)) for key in stored["structure_hash"]]
    said = model.predict([db.structure(key) for key in stored["structure_hash"]], facts={"band_gap": known})
    assert said["structure_hash"].tolist() == stored["structure_hash"].tolist()
    assert said["mean"].to_numpy() == pytest.approx(stored["mean"].to_numpy(), rel=1e-9)


def test_structures_without_descriptors_keep_their_row_and_say_why(model: matsift.Model) -> None:
    salt = Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.64), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    twice = Crystal.ordered(3.0 * np.eye(3), ["Na", "Na"], np.array([[0.0, 0, 0], [0.0001, 0, 0]]))
    flat = Structure(Lattice([[4, 0, 0], [0, 4, 0], [4, 4, 0]]), ["Na"], [[0, 0, 0]])
    frame = matsift.featurize([salt, twice, flat], ["magpie", "voronoi"])
    assert frame["formula"].tolist()[0] == "NaCl"
    assert frame["problem"].isna().tolist() == [True, False, False]
    assert "flat" in frame["problem"].iloc[2]
    said = model.predict([flat, salt])
    assert said["mean"].isna().tolist() == [True, False]
    assert (said["unit"] == "GPa").all()
    with pytest.raises(UserInputError, match="row 1 is no structure but int"):
        matsift.featurize([salt, 3], ["magpie"])  # type: ignore[list-item]
    with pytest.raises(UserInputError, match="1 structures but 2 values of band_gap"):
        matsift.featurize(salt, ["mp"], facts={"band_gap": [1.0, 2.0]})


def test_what_is_not_there_is_named_with_a_remedy(db: matsift.Database, model: matsift.Model) -> None:
    with pytest.raises(UserInputError, match=f"there is no report of a study 'lost'; there are reports of {NAME}"):
        db.ranking("lost")
    with pytest.raises(UserInputError, match="no model version has a hash that begins with 'xyz'"):
        db.model("xyz")
    with pytest.raises(UserInputError, match="no structure is called 'Xx'"):
        db.structure("Xx")
    with pytest.raises(UserInputError, match="the database holds no structure with the hash 00"):
        model.predict(["00"])
    with pytest.raises(UserInputError, match="the frame has no column"):
        model.predict(pd.DataFrame({"a": [1.0]}))
    with pytest.raises(UserInputError, match="there is no descriptor set"):
        db.descriptors(["nothing"], [])
    with pytest.raises(UserInputError, match="frames are of pandas or polars, not of 'lists'"):
        matsift.open(frames="lists")  # type: ignore[arg-type]


def test_the_ranking_is_that_of_the_report(db: matsift.Database, reference: Finished) -> None:
    ranking = db.ranking(NAME)
    ranked = ranking[ranking["rank"].notna()]
    assert tuple(ranked["structure_hash"]) == reference.ranked


def test_the_figures_are_those_of_the_page(db: matsift.Database, reference: Finished) -> None:
    figures = db.figures(NAME)
    keys = re.findall(r'data-plot="plot-([^"]+)"', reference.report.read_text())
    assert list(figures) == keys
    assert "parity-g_vrh-1" in keys
    assert all(figure.data for figure in figures.values())


def test_ranking_by_objectives_orders_predictions(db: matsift.Database) -> None:
    said = db.predictions("g_vrh")
    by_hand = said.sort_values(["mean", "structure_hash"], ascending=[False, True])["structure_hash"].tolist()
    ranked = matsift.rank(said, [{"property": "g_vrh", "goal": "maximize", "threshold": 1.0}])
    assert ranked["structure_hash"].tolist() == by_hand
    assert ranked["place"].tolist() == list(range(1, len(said) + 1))
    assert ranked["chance"].between(0, 1).all()
    partly = pd.concat([said, db.predictions("k_vrh").iloc[1:]])
    both = matsift.rank(
        partly, [{"property": "g_vrh", "goal": "maximize"}, {"property": "k_vrh", "goal": "minimize"}], by="utility"
    )
    assert both["place"].isna().tolist() == [False] * (len(said) - 1) + [True]
    with pytest.raises(UserInputError, match="there is no prediction of band_gap; the frame holds g_vrh"):
        matsift.rank(said, [{"property": "band_gap", "goal": "maximize"}])
    with pytest.raises(UserInputError, match="more than once"):
        matsift.rank(pd.concat([said, said]), [{"property": "g_vrh", "goal": "maximize"}])
    with pytest.raises(UserInputError, match="goal"):
        matsift.rank(said, [{"property": "g_vrh", "goal": "upwards"}])


def test_cards_tell_what_the_rows_tell(db: matsift.Database, model: matsift.Model, reference: Finished) -> None:
    card = db.card(model.content_hash[:10])
    assert model.card() == card
    query = f"""
        SELECT r.role, count(*)::int FROM matsift.dataset_row r JOIN matsift.model_version m USING (snapshot_id)
        WHERE m.content_hash = '{card.content_hash}' GROUP BY 1
    """
    assert dict(card.roles) == dict(rows(reference.url, query))
    assert sum(origin.n_label for origin in card.origins) == sum(card.roles.values())
    assert {origin.method for origin in card.origins} == {"chgnet-0.3.0-finite-strain"}
    assert card.elements["Na"] > 0
    assert "U" in card.unseen_elements
    errors = [abs(worst.error) for worst in card.worst]
    assert errors == sorted(errors, reverse=True)
    [test] = [subset for subset in card.metrics if subset.subset == "test"]
    assert test.n_row == card.roles["test"]
    assert card._repr_markdown_().startswith("# Model card: G_VRH by lightgbm_ensemble")


def test_polars_is_given_where_it_is_asked_for(reference: Finished) -> None:
    polars = pytest.importorskip("polars")
    with matsift.open(reference.url, home=reference.home, frames="polars") as opened:
        said = opened.predictions("g_vrh")
        assert isinstance(said, polars.DataFrame)
        newest = opened.model(said["model_hash"][0])
        assert newest.predict(said["structure_hash"])["mean"].is_finite().all()
        assert matsift.rank(said, [{"property": "g_vrh", "goal": "maximize"}])["place"][0] == 1
        assert opened.ranking(NAME).columns == list(opened.ranking(NAME).columns)
