"""How one table's columns become small integer codes and come back: what `fit` learnt of them.

Every modelled column is one integer code per row, `0 <= code < cardinality`. The codes of a column are laid out as
    [null] [token ...] [bin or group ...]
`null` is there only where the real column has nulls, so that a column without nulls cannot get any.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .base import Spec

Scalar = bool | int | float | str


class ColumnEncoding(Spec):
    """What all kinds share.

    Attributes:
        name: the column.
        spark_type: its Spark type, as `DataType.simpleString()` gives it ("bigint", "decimal(10,2)", "timestamp_ntz").
        has_null: the real column has nulls; code 0 is null then.
        weights: share of the real rows per code; sums to 1; its length is the cardinality.
    """

    name: str
    spark_type: str
    has_null: bool
    weights: tuple[float, ...]

    @property
    def cardinality(self) -> int:
        return len(self.weights)


class NumberEncoding(ColumnEncoding):
    """Numbers, dates and times.

    The column is first mapped to float64: numbers as they are, dates as days and time stamps as microseconds since 1970-01-01 UTC.
    Codes: null, then `tokens` (frequent single values), then bins of about equal mass over the rest.

    Attributes:
        tokens: values that have a code of their own, ascending.
        knots: for each bin its lower edge and quantiles of the values in it, ascending, `knots_per_bin` together; the last bin's upper edge ends them
            (none where there are no bins). Bin `b` spans `knots[b * knots_per_bin]` to `knots[(b + 1) * knots_per_bin]`; its values are spread evenly
            along its quantiles, so that nothing falls in the gap before or after them.
        discrete: the values of a bin are its quantiles themselves, each as likely, and none in between.
        step: the granularity that every value is a multiple of, from `origin` on; 0 where the values are continuous.
        coarse: a multiple of `step` on which a share `coarse_share` of the values in bins lies, from `coarse_origin` on; 0 for none.
        distinct: no two real rows had the same value, where that is no accident.
        form: of dates or times in text or whole numbers, as `strptime` writes it ("%d/%m/%Y"); the numbers are days, or microseconds where it has a time.
            Of numbers in text, as spreadsheets write it ("$#,##0.00").
            Of decimals of more than 15 digits and whole numbers past 2**53 a `DecimalForm`; the numbers are whole ones of its unit.
        labels: of a column of text, what stands beside the dates, times or numbers ("n/a"); their marks are tokens.
        exact: of such numbers the tokens' values, as text; "" where a token stands for values that a float64 cannot tell apart, and all of them are rare.
    """

    kind: Literal["number"] = "number"
    tokens: tuple[float, ...] = ()
    knots: tuple[float, ...] = ()
    knots_per_bin: int = 1
    discrete: bool = False
    step: float = 0.0
    origin: float = 0.0
    coarse: float = 0.0
    coarse_origin: float = 0.0
    coarse_share: float = 0.0
    distinct: bool = False
    form: str = ""
    labels: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()

    @property
    def bins(self) -> int:
        return max(0, len(self.knots) - 1) // self.knots_per_bin


class TextEncoding(ColumnEncoding):
    """Free text, names, identifiers: only the nulls are learnt, the text is generated.

    Codes: null, then one for "some text".

    Attributes:
        provider: name of a Faker provider ("name", "email", ...), or None for `shapes`.
        recipe: the kind of text, where it is put together from lists and goes before both.
        longest: characters of a text made by a recipe, at most.
        pool: different values that it makes, about, however many rows there are; 0 for no limit.
        letters: its letters are all of one case.
        shapes: patterns such as "Aaaaa aaaa 99" (A upper case letter, a lower case letter, 9 digit; further signs in the private planes of Unicode, see
            `kernels/text/signs.py`; the rest literal), drawn by `shape_counts`.
        shape_counts: real rows per shape.
        sets: the few characters that some places of the shapes have, each as often as its share in hundredths.
        upper, lower: the letters that are drawn, each as often as its share in hundredths; those of English where empty.
        check: the check digits that all texts have.
        distinct: no two real rows had the same text.
    """

    kind: Literal["text"] = "text"
    provider: str | None = None
    recipe: str | None = None
    longest: int = 0
    pool: int = 0
    letters: Literal["", "upper", "lower"] = ""
    shapes: tuple[str, ...] = ()
    shape_counts: tuple[int, ...] = ()
    sets: tuple[str, ...] = ()
    upper: str = ""
    lower: str = ""
    check: Literal["", "luhn", "gtin", "mod11", "isbn10", "mod11-7", "rut", "cpf", "cnpj", "iban", "mod97", "vin"] = ""
    distinct: bool = False


class CategoryEncoding(ColumnEncoding):
    """Strings, booleans, and integers that stand for categories (keys to reference tables).

    Codes: null, then one per group of values, then one for what is too rare to be told, where it is made up. Up to `config.max_codes` values are a group
    each; beyond that the commonest have a group of their own, and the rest share groups of about equal mass, inside which values are drawn by their frequency.

    Attributes:
        values: the values that may be reproduced, group by group.
        counts: real rows per value, as long as `values`.
        starts: where each group begins in `values`; ascending; `starts[0] == 0`.
        rare: how rare values are made up; None where common ones take their place.
        numbers: common values, which are numbers, take the place of rare numbers: made up is only what is none.
    """

    kind: Literal["category"] = "category"
    values: tuple[Scalar, ...] = ()
    counts: tuple[int, ...] = ()
    starts: tuple[int, ...] = ()
    rare: TextEncoding | None = None
    numbers: bool = False


AnyEncoding = Annotated[NumberEncoding | CategoryEncoding | TextEncoding, Field(discriminator="kind")]


class TableEncoding(Spec):
    """The encodings of a table's modelled columns, in the order of the table's columns.

    Attributes:
        table: the table.
        rows: rows of the real table.
        columns: one encoding per modelled column; generated keys have none.
    """

    table: str
    rows: int
    columns: tuple[AnyEncoding, ...]

    def column(self, name: str) -> NumberEncoding | CategoryEncoding | TextEncoding:
        """The encoding of the column `name`.

        Raises:
            KeyError: the column is not modelled.
        """
        for encoding in self.columns:
            if encoding.name == name:
                return encoding
        raise KeyError(name)

    def select(self, names: tuple[str, ...]) -> TableEncoding:
        """The same encoding for `names` only, in that order."""
        return TableEncoding(table=self.table, rows=self.rows, columns=tuple(self.column(n) for n in names))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)

    @property
    def cardinalities(self) -> tuple[int, ...]:
        return tuple(c.cardinality for c in self.columns)


class ColumnHint(Spec):
    """What is known of a column before its encoding is fitted.

    Attributes:
        name: the column.
        spark_type: as `DataType.simpleString()` gives it.
        kind: `auto` lets the data decide; `category` keeps values as they are; `text` generates without learning.
        keep_rare: values seen once may be reproduced too (keys to reference tables, which are published as they are).
        provider: Faker provider of a `text` column.
        likely: what the column's name tells of its text, as a Faker provider; the data has to agree.
        by_entity: rows of one entity count once where it is asked how many have a value.
        entity: the column that tells them apart, where it is not that of all columns of the table.
    """

    name: str
    spark_type: str
    kind: Literal["auto", "category", "text"] = "auto"
    keep_rare: bool = False
    provider: str | None = None
    likely: str | None = None
    by_entity: bool = False
    entity: str | None = None
