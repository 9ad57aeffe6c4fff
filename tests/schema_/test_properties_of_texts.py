"""What holds for any text and any entry: it can be stored, and its hash names its content alone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from tests.factories.entries import entry, label

from matsift_schema.store.packing import storable

texts = st.text(st.characters(exclude_categories=()))
payloads = st.dictionaries(texts, st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts)


@given(texts)
def test_any_text_becomes_storable_and_stays_so(value: str) -> None:
    stored = storable(value)
    assert "\x00" not in stored
    assert storable(stored) == stored.encode().decode()


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00")))
def test_a_sound_text_is_kept_as_it_is(value: str) -> None:
    assert storable(value) == value


@given(payloads, st.lists(st.floats(0, 1000), min_size=2, max_size=2, unique=True), texts)
def test_the_hash_of_an_entry_names_its_content(payload: dict[str, object], values: list[float], version: str) -> None:
    labels = tuple(label(name, value) for name, value in zip(("k_vrh", "g_vrh"), values, strict=True))
    one = entry(payload=payload, labels=labels)
    assert replace(one, version=version, labels=labels[::-1]).content_hash == one.content_hash
    assert replace(one, payload=json.loads(json.dumps(payload))).content_hash == one.content_hash
    assert replace(one, labels=labels[:1]).content_hash != one.content_hash
    assert replace(one, crystal=None).content_hash != one.content_hash


@given(payloads, texts, st.none() | texts, st.lists(texts))
def test_the_hash_of_an_entry_is_that_of_one_json_list(
    payload: dict[str, object], licence: str, url: str | None, holds: list[str]
) -> None:
    """Databases hold it: it must not change with the way it is written."""
    one = replace(entry(payload=payload, labels=(label(value=24.0),)), licence=licence, url=url, holds=tuple(holds))
    assert one.crystal is not None
    (k_vrh,) = one.labels
    values = [[k_vrh.property_name, (24.0).hex(), k_vrh.method, k_vrh.origin, "None"]]
    content = [one.crystal.content_hash, values, payload, licence, url, holds, []]
    written = json.dumps(content, sort_keys=True).encode()
    assert one.content_hash == hashlib.sha256(written).hexdigest()
