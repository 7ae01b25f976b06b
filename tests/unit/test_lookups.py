"""Which tables look like lookups that nobody marked."""

from __future__ import annotations

from typing import Any

import pytest

from synthohive_spark.spec.metadata import Metadata
from synthohive_spark.spec.planning.lookups import lookup_hint, lookup_tables
from synthohive_spark.spec.survey import KeyFacts, LabelFacts, Survey, TableFacts


class Seen:
    """Tables with what is seen of them."""

    def __init__(self) -> None:
        self.metadata, self.tables = Metadata(), dict[str, TableFacts]()

    def table(self, name: str, rows: int, columns: str, texts: dict[str, int] | None = None, links: int | None = None, **fields: Any) -> Seen:
        """`texts`: different values of the columns of text; `links`: rows that have a parent, all by default."""
        self.metadata.add_table(name, **fields)
        self.tables[name] = TableFacts(
            table=name,
            columns=tuple((c, "string" if c in (texts or {}) else "int", True) for c in columns.split()),
            rows=rows,
            read=rows,
            keys=tuple(KeyFacts(matched=rows if links is None else links) for _ in self.metadata.tables[name].foreign_keys),
            labels=tuple(LabelFacts(column=c, rows=rows, values=values) for c, values in (texts or {}).items()),
        )
        return self

    @property
    def found(self) -> list[str]:
        return [lookup.table for lookup in lookup_tables(self.metadata, Survey(tables=self.tables))]


def music() -> Seen:
    seen = Seen().table("MediaType", 5, "MediaTypeId Name", {"Name": 5}, pk="MediaTypeId").table("Genre", 25, "GenreId Name", {"Name": 25}, pk="GenreId")
    seen.table("Artist", 275, "ArtistId Name", {"Name": 275}, pk="ArtistId")
    seen.table("Album", 347, "AlbumId Title ArtistId", {"Title": 347}, pk="AlbumId", fk={"ArtistId": "Artist.ArtistId"})
    keys = {"AlbumId": "Album.AlbumId", "MediaTypeId": "MediaType.MediaTypeId", "GenreId": "Genre.GenreId"}
    return seen.table("Track", 3503, "TrackId Name AlbumId MediaTypeId GenreId Milliseconds", {"Name": 3257}, pk="TrackId", fk=keys)


def test_kinds_are_lookups_and_what_hangs_on_a_learnt_parent_is_none() -> None:
    assert music().found == ["MediaType", "Genre"]


def places(city_role: str | None = None, **country: Any) -> Seen:
    seen = Seen().table("country", 109, "country_id country last_update", {"country": 109}, pk="country_id", **country)
    seen.table("city", 600, "city_id city country_id", {"city": 599}, pk="city_id", fk={"country_id": "country.country_id"}, role=city_role)
    return seen.table("address", 603, "address_id address city_id", {"address": 603}, pk="address_id", fk={"city_id": "city.city_id"})


def test_a_lookup_may_point_at_lookups_only() -> None:
    assert places().found == ["country", "city"]
    assert places(role="reference").found == ["city"]
    assert places(role="learnt").found == []  # the country is to change, and with it what cities point at


def test_what_the_metadata_says_is_not_questioned() -> None:
    assert places(city_role="learnt").found == ["country"]
    again = Metadata.from_dict({"tables": {"city": {"pk": "id", "role": "learnt"}, "country": {"pk": "id"}}})
    assert [t.name for t in again.tables.values() if "role" in t.model_fields_set] == ["city"]


@pytest.mark.parametrize(
    ("name", "columns", "label"),
    [
        ("customers", "id name segment", "name"),
        ("staff", "id label", "label"),
        ("dim_employee", "id label", "label"),
        ("accounts", "id name", "name"),
        ("devices", "id serial_no", "serial_no"),
        ("holders", "id first_name", "first_name"),
        ("spots", "id label birth_date", "label"),
        ("spots", "id label ContactName", "label"),
        ("spots", "id label e_mail", "label"),
        ("spots", "id label homePhone", "label"),
        ("branches", "id label street_address", "label"),
        ("logins", "id username", "username"),
    ],
)
def test_nothing_personal_is_a_lookup(name: str, columns: str, label: str) -> None:
    seen = Seen().table(name, 20, columns, {label: 20}, pk="id")
    assert seen.table("events", 90_000, "event of", pk="event", fk={"of": f"{name}.id"}).found == []


def lookup(rows: int = 20, links: int = 1_000, values: int | None = None, columns: str = "code label", name: str = "products", **fields: Any) -> list[str]:
    seen = Seen().table(name, rows, columns, {"label": rows if values is None else values}, pk="code", **fields)
    return seen.table("lines", links, "line of", pk="line", fk={"of": f"{name}.code"}).found


def test_few_rows_that_many_point_at_and_that_hardly_repeat() -> None:
    assert lookup() == ["products"]
    assert lookup(values=17) == [] and lookup(values=19) == ["products"]
    assert lookup(links=199) == [] and lookup(links=200) == ["products"]
    assert lookup(rows=5_001, links=1_000_000) == [] and lookup(rows=5_000, links=1_000_000) == ["products"]
    assert lookup(columns="code label " + " ".join(f"x{i}" for i in range(11))) == []
    planes = Seen().table("planes", 20, "tailnum seats", {"tailnum": 20}, pk="tailnum")
    assert planes.table("flights", 9_000, "id tailnum", pk="id", fk={"tailnum": "planes.tailnum"}).found == []
    assert lookup(pii_cols=["label"]) == []
    assert lookup(rows=0) == []


def test_companies_may_have_a_telephone_and_their_contacts_no_name() -> None:
    assert lookup(name="shippers", columns="code label company_name phone") == ["shippers"]
    assert lookup(name="shippers", columns="code label company_name contact_name phone") == []


def test_words_for_lists_need_fewer_rows_that_point_at_them() -> None:
    assert lookup(name="order_status", links=12) == ["order_status"] and lookup(name="OrderStatuses", links=12) == ["OrderStatuses"]
    assert lookup(name="order_status", links=9) == []
    assert lookup(name="customer_types", links=12) == ["customer_types"]


def test_the_hint_names_all_tables_and_what_to_write() -> None:
    hint = lookup_hint(lookup_tables(music().metadata, Survey(tables=music().tables)))
    assert hint is not None and lookup_hint(()) is None
    for part in ("'MediaType' (5 rows, which 3503 rows point at)", "'Genre' (25 rows", "role: reference", "nothing personal", "exactly as they are"):
        assert part in hint
