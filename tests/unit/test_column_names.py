"""What names tell."""

from __future__ import annotations

import pytest

from synthohive_spark.kernels.pii import with_kind
from synthohive_spark.spec.column_names import is_lookup, is_person, is_personal, is_time, kind_of, words
from synthohive_spark.spec.encoding import ColumnHint
from synthohive_spark.spec.metadata import Table


def test_words_of_any_spelling() -> None:
    assert words("billing_CityName2") == ("billing", "city", "name", "2")
    assert words("HTTPServer.URL") == ("http", "server", "url") and words("straße") and words("") == ()


@pytest.mark.parametrize(
    ("column", "table", "kind"),
    [
        ("FirstName", "", "first_name"),
        ("first_name", "actor", "first_name"),
        ("BillingCity", "Invoice", "city"),
        ("ship_postal_code", "orders", "postcode"),
        ("Name", "Customer", "name"),
        ("contact_name", "suppliers", "name"),
        ("name", "countries", "country"),
        ("Name", "Genre", None),
        ("Name", "Track", None),
        ("product_name", "customers", None),
        ("Title", "Employee", "job"),
        ("Title", "Album", None),
        ("company_name", "customers", "company"),
        ("home_phone", "employees", "phone_number"),
        ("ip_address", "logins", "ipv4"),
        ("address2", "address", "street_address"),
        ("email_address", "people", "email"),
        ("country_code", "x", None),
        ("capacity", "x", None),
        ("123", "x", None),
    ],
)
def test_kinds(column: str, table: str, kind: str | None) -> None:
    assert kind_of(column, table) == kind


def test_heads_of_tables() -> None:
    assert is_lookup("dim_country") and is_lookup("OrderStatuses") and is_lookup("us_states") and is_lookup("categories") and is_lookup("classes")
    assert not is_lookup("country_visits") and is_person("VIPCustomers") and not is_person("customer_types") and not is_person("")
    assert is_personal(("id", "dob"), "x") and not is_personal(("id", "name"), "airlines") and not is_personal(("company", "phone"), "x")


def test_times_by_their_names() -> None:
    assert all(map(is_time, ("timestamp", "created_at", "eventTime", "ts", "unix_ms", "last_updated")))
    assert not any(map(is_time, ("status", "state", "attempts", "phone", "id", "")))


def test_hints_of_columns_by_their_names() -> None:
    table = Table(name="customers", primary_key=("email",))

    def hint(name: str, pointed: tuple[str, ...] = (), **fields: str) -> tuple[str | None, str | None]:
        found = with_kind(ColumnHint(**{"name": name, "spark_type": "string", **fields}), table, pointed)
        return found.provider, found.likely

    assert hint("name") == (None, "name") and hint("segment") == (None, None)
    assert hint("email") == hint("city", pointed=("city",)) == hint("city", spark_type="int") == (None, None)
    assert hint("city", kind="text") == ("city", None) and hint("city", kind="text", provider="name") == ("name", None)
