"""The Grafana dashboard: each of its queries is asked by an analyst, and its JSON is what Grafana's own model reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from psycopg import sql
from tests.factories.analyst import analyst_of_small_study
from tests.postgres import PostgresServer

GRAFANA = Path(__file__).parents[2] / "deploy" / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "matsift.json").read_text(encoding="utf-8"))
PANELS = {panel["title"]: panel for panel in DASHBOARD["panels"] if panel["type"] != "row"}
VARIABLES = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
SECONDS_OF_INTERVAL = 3600.0


def expanded(query: str, values: dict[str, list[str]]) -> str:
    """Return a query as Grafana's PostgreSQL data source sends it, for the last day and an interval of an hour."""
    now = datetime.now(UTC)
    first, last = ((now + timedelta(days=days)).isoformat().replace("+00:00", "Z") for days in (-1, 1))

    def macro(call: re.Match[str]) -> str:
        name, (column, *rest) = call[1], [argument.strip() for argument in call[2].split(",")]
        assert len(rest) == (1 if name.startswith("timeGroup") else 0), f"arguments of {call[0]}"
        bucket = f"floor(extract(epoch from {column})/{SECONDS_OF_INTERVAL})*{SECONDS_OF_INTERVAL}"
        return {
            "time": f'{column} AS "time"',
            "timeFilter": f"{column} BETWEEN '{first}' AND '{last}'",
            "timeGroup": bucket,
            "timeGroupAlias": f'{bucket} AS "time"',
        }[name]

    query = query.replace("$__interval", "1h")
    for name, chosen in values.items():
        query = query.replace(f"${name}", ",".join(sql.Literal(value).as_string() for value in chosen))
    query = re.sub(r"\$__(\w+)\(([^)]*)\)", macro, query)
    assert "$" not in query, "a macro or variable that Grafana would not know"
    return query


@pytest.fixture(scope="module")
def analyst(postgres_server: PostgresServer) -> Iterator[psycopg.Connection]:
    with analyst_of_small_study(postgres_server) as url, psycopg.connect(url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def values(analyst: psycopg.Connection) -> dict[str, list[str]]:
    """The values of the variables, all of them chosen."""
    asked = {name: variable["query"] for name, variable in VARIABLES.items() if variable["type"] == "query"}
    return {name: [value for (value,) in analyst.execute(query.encode())] for name, query in asked.items()}


def answer(analyst: psycopg.Connection, title: str, values: dict[str, list[str]]) -> tuple[list[str], list[Any]]:
    [target] = PANELS[title]["targets"]
    cursor = analyst.execute(expanded(target["rawSql"], values).encode())
    assert cursor.description
    return [column.name for column in cursor.description], cursor.fetchall()


@pytest.mark.parametrize("title", PANELS)
def test_the_query_of_a_panel_gives_rows_to_an_analyst(
    analyst: psycopg.Connection, values: dict[str, list[str]], title: str
) -> None:
    names, rows = answer(analyst, title, values)
    assert rows
    named = {override["matcher"]["options"] for override in PANELS[title]["fieldConfig"]["overrides"]}
    assert named <= set(names), "an override of a column that the query does not give"


@pytest.mark.parametrize("title", [title for title, panel in PANELS.items() if panel["type"] == "timeseries"])
def test_a_time_series_is_a_time_then_a_name_then_numbers_in_order(
    analyst: psycopg.Connection, values: dict[str, list[str]], title: str
) -> None:
    names, rows = answer(analyst, title, values)
    [target] = PANELS[title]["targets"]
    assert target["format"] == "time_series"
    assert names[0] == "time"
    is_named = "metric" in names
    for time, *rest in rows:
        assert isinstance(time, datetime | Decimal)
        assert all(isinstance(name, str) for name in rest[:is_named])
        assert all(isinstance(value, int | float | Decimal | None) for value in rest[is_named:])
    assert all(earlier[0] <= later[0] for earlier, later in pairwise(rows))


def test_the_variables_have_values_before_the_first_run(database_url: str) -> None:
    with psycopg.connect(database_url) as empty:
        for variable in VARIABLES.values():
            assert variable["type"] != "query" or empty.execute(variable["query"].encode()).fetchall()


def test_the_studies_and_properties_can_be_chosen(values: dict[str, list[str]]) -> None:
    assert {"no study", "shelf_study"} >= set(values["study"]) > {"no study"}
    assert {"k_vrh", "g_vrh"} <= set(values["property"])


def test_nothing_of_the_dashboard_is_unknown_to_the_model_of_grafana() -> None:
    plugins.register_default_plugins()
    read = json.loads(json.dumps(Dashboard.from_json(DASHBOARD), cls=JSONEncoder))
    assert lost(DASHBOARD, read) == []


def lost(written: Any, read: Any, where: str = "") -> list[str]:
    """Return what of a document is not there after it went through a model."""
    if isinstance(written, dict):
        gone = [f"{where}/{key}" for key in written if key not in read]
        return gone + [
            name for key in written if key in read for name in lost(written[key], read[key], f"{where}/{key}")
        ]
    if isinstance(written, list):
        pairs = enumerate(zip(written, read, strict=True))
        return [name for i, (ours, theirs) in pairs for name in lost(ours, theirs, f"{where}/{i}")]
    return [] if written == read else [where]


def test_panels_have_their_own_ids_and_do_not_overlap() -> None:
    everything = DASHBOARD["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    assert len(PANELS) + sum(panel["type"] == "row" for panel in everything) == len(everything)
    cells = [
        (place["x"] + x, place["y"] + y)
        for place in (panel["gridPos"] for panel in everything)
        for x in range(place["w"])
        for y in range(place["h"])
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


def test_every_panel_asks_the_database_that_is_chosen_and_says_what_it_shows() -> None:
    chosen = {"type": "grafana-postgresql-datasource", "uid": "${datasource}"}
    for panel in PANELS.values():
        assert panel["datasource"] == chosen
        assert panel["description"].endswith(".")
        assert [target["datasource"] for target in panel["targets"]] == [chosen]


def test_the_provisioned_database_is_the_one_that_the_dashboard_chooses() -> None:
    [source] = provisioned("datasources")["datasources"]
    assert (source["type"], source["uid"]) == (
        VARIABLES["datasource"]["query"],
        VARIABLES["datasource"]["current"]["value"],
    )
    assert source["jsonData"]["postgresVersion"] == 1500
    assert re.fullmatch(r"\$\{MATSIFT_GRAFANA_\w+\}", source["secureJsonData"]["password"]), "no password in the tree"


def test_the_variables_of_the_provisioning_are_explained() -> None:
    page = (GRAFANA.parents[1] / "docs" / "analysts.md").read_text(encoding="utf-8")
    text = json.dumps([provisioned("datasources"), provisioned("dashboards")])
    assert all(name in page for name in re.findall(r"\$\{(\w+)\}", text))


def provisioned(kind: str) -> Any:
    """Return the provisioning file of a kind."""
    [path] = (GRAFANA / "provisioning" / kind).glob("*.yaml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))
