"""Fit the encoding of one column from the values that were counted for it: the body of the `applyInPandas` that `stages/profile.py` runs.

A counted frame has the columns
    table    number of the table, where several are fitted at once
    column   index of the column's hint
    text     the value as text: strings as they are, booleans as `true` or `false`, time stamps as integer microseconds; None for numbers, but for
             sampled ones that a float64 does not hold, and decimals of a type that has such
    number   the value in the float64 domain; nan for strings and booleans
    is_null  the rows are those where the column is null (or nan)
    n        rows of the table with that value
    sampled  those of them in the row sample
    kept     the value may be reproduced: enough rows have it, of enough persons; of the others `text` may be cut, and those outside the sample share a line
             without `text` and `number`
    distinct how many values the line stands for
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from ...spec.config import EncodingConfig
from ...spec.encoding import CategoryEncoding, ColumnHint, NumberEncoding, TextEncoding
from ...spec.types import decimal_digits
from ..kinds import even_pool, letters_of, longest_of, recipe_for
from ..recipes import room_of_recipe
from ..seeds import generator
from ..text import fit_shapes
from .categories import fit_categories
from .date_forms import COMPACT, YEARS, find_form, numbers_of
from .decimals import MOST_DIGITS, units_of
from .decimals import find_form as find_decimal_form
from .decimals import numbers_of as numbers_of_units
from .labels import common_labels, labels_beside, told_labels
from .marks import with_labels
from .measured import measured
from .number_forms import LEAST_DIFFERENT, find_number_form, is_number_text, numbers_in
from .numbers import fit_numbers
from .texts import fit_text
from .types import arrow_type, is_integer, scalar_of

COUNTED = ("table", "column", "text", "number", "is_null", "kept", "n", "sampled", "distinct")
MIN_TEXT_VALUES = 50  # fewer values are a category, however rare each of them is
RARE_SHARE = 0.05  # of the rows: fewer rare values are typing errors, and a common value in their place is no loss
MOSTLY_NUMBERS = 0.9  # of the rows: labels of which a few are digits alone are no numbers
OPEN_END = 99_991_231  # a date that stands for none
TEXT_SHARE = 0.5  # distinct values per row from which a string names its row


def is_number_hint(hint: ColumnHint) -> bool:
    """Whether values are sampled and fitted as numbers."""
    return hint.kind == "auto" and hint.spark_type not in ("string", "boolean")


def is_wide(hint: ColumnHint) -> bool:
    """Whether the column can hold numbers of more digits than a float64 does."""
    digits = decimal_digits(hint.spark_type)
    return is_number_hint(hint) and (hint.spark_type == "bigint" or (digits is not None and digits[0] > MOST_DIGITS))


@dataclass(frozen=True)
class Asked:
    """Columns of one table that are to be fitted.

    Attributes:
        hints: the columns.
        rows: of the table.
        seed: of the fit.
    """

    hints: Sequence[ColumnHint]
    rows: int
    seed: int


def fit_column(frame: pd.DataFrame, *, asked: Mapping[int, Asked], config: EncodingConfig) -> pd.DataFrame:
    """The encoding of one column as JSON: a counted frame of one column in, one row (`table`, `column`, `encoding`) out.

    Args:
        asked: what is fitted, by the number of the table.
    """
    table, column = int(frame["table"].iloc[0]), int(frame["column"].iloc[0])
    of = asked[table]
    encoding = fit_encoding(frame, hint=of.hints[column], config=config, rows=of.rows, seed=of.seed)
    return pd.DataFrame({"table": [table], "column": [column], "encoding": [encoding.model_dump_json()]})


def fit_encoding(frame: pd.DataFrame, *, hint: ColumnHint, config: EncodingConfig, rows: int, seed: int) -> NumberEncoding | CategoryEncoding | TextEncoding:
    """Fit one column; an empty frame is a column without rows.

    Args:
        frame: the counted frame, in any order.
        rows: rows of the table.
        seed: of the fit.
    """
    is_null = frame["is_null"].to_numpy(dtype=bool)
    nulls = int(frame["n"].to_numpy()[is_null].sum())
    null_share = nulls / rows if rows else 1.0
    seen = frame[~is_null]
    if is_wide(hint) and seen["text"].notna().any():
        return _wide(seen[seen["number"].notna() & (seen["sampled"] > 0)], hint, null_share, config)
    if is_number_hint(hint):
        form, numbers = _dates_in_numbers(seen, hint)
        return _number(seen.assign(number=numbers), hint, null_share, config, form)
    if hint.kind == "text":
        return _text(seen, hint, null_share, config, seed)
    if hint.spark_type == "string" and hint.kind == "auto":
        if (numbers_found := _numbers_in_text(seen, hint, null_share, config)) is not None:
            return numbers_found
        common = common_labels(seen)
        if common.any() and _names_its_row(seen[~common]):
            return _text_beside(seen[common], seen[~common], hint, null_share, config, seed)
        if _names_its_row(seen):
            return _text(seen, hint, null_share, config, seed)
    kept = seen[seen["text"].notna() & seen["kept"].astype(bool)]
    if len(kept):
        values = [scalar_of(v, hint.spark_type) for v in kept["text"]]
        left, counts = seen[~seen["kept"].astype(bool)], kept["n"].to_numpy(dtype=np.int64)
        rare, rare_rows = _rare(left, kept, hint, config)
        if rare is None and hint.spark_type == "string":
            rare, rare_rows = _no_numbers(left, kept, hint, config, seed)
            found = fit_categories(hint.name, hint.spark_type, values, counts, null_share, config, rare, rare_rows)
            return found.model_copy(update={"numbers": rare is not None})
        return fit_categories(hint.name, hint.spark_type, values, counts, null_share, config, rare, rare_rows)
    if hint.spark_type in ("string", "boolean"):
        return _text(seen, hint, null_share, config, seed)
    return _number(seen, hint, null_share, config)


def _names_its_row(seen: pd.DataFrame) -> bool:
    distinct = int(seen["distinct"].sum())
    return distinct > MIN_TEXT_VALUES and distinct > TEXT_SHARE * int(seen["n"].sum())


def _numbers_in_text(seen: pd.DataFrame, hint: ColumnHint, null_share: float, config: EncodingConfig) -> NumberEncoding | None:
    """The encoding of dates, times or numbers in text, of which some rows may have labels instead; None where the texts are something else."""
    texts = pa.array(seen["text"], type=pa.string(), from_pandas=True)
    for beside in labels_beside(seen):
        left = texts.filter(pa.array(~beside))
        form, numbers = find_form(left), numbers_of
        if form is None and hint.likely is None:
            form, numbers = find_number_form(left), numbers_in
        if form is not None:
            labels = told_labels(seen[beside & (seen["sampled"] >= config.min_category_rows).to_numpy()])  # fewer give no code
            return _number(seen.assign(number=with_labels(numbers(texts, form), texts, labels)), hint, null_share, config, form, labels)
    return None


def _text_beside(common: pd.DataFrame, left: pd.DataFrame, hint: ColumnHint, null_share: float, config: EncodingConfig, seed: int) -> CategoryEncoding:
    """The encoding of text that names its row, or is one of a few labels (`n/a`) in many of them."""
    counts, made = common["n"].to_numpy(dtype=np.int64), _text(left, hint, 0.0, config, seed)
    return fit_categories(hint.name, hint.spark_type, common["text"].tolist(), counts, null_share, config, made, int(left["n"].sum()))


def _dates_in_numbers(seen: pd.DataFrame, hint: ColumnHint) -> tuple[str, pd.Series]:
    """The form of whole numbers that are dates, and the days that they mean; no form, and the numbers themselves, where they are none."""
    numbers = seen["number"]
    known = numbers[numbers.notna()]
    usual = known[known != OPEN_END]
    if not is_integer(hint.spark_type) or not len(usual) or usual.min() < YEARS[0] * 100 or usual.max() > (YEARS[1] + 1) * 10_000:
        return "", numbers
    texts = pa.array(known.astype("int64").astype(str), type=pa.string())
    form = find_form(texts)
    return ("", numbers) if form not in COMPACT else (form, pd.Series(numbers_of(texts, form), index=known.index).reindex(numbers.index))


def _number(seen: pd.DataFrame, hint: ColumnHint, null_share: float, config: EncodingConfig, form: str = "", labels: Sequence[str] = ()) -> NumberEncoding:
    sampled = seen[seen["number"].notna() & (seen["sampled"] > 0)]
    owned = ~sampled["kept"].to_numpy(dtype=bool) & (sampled["n"].to_numpy() >= config.min_category_rows)
    pairs = measured(sampled["number"].to_numpy(dtype=np.float64), sampled["sampled"].to_numpy(dtype=np.int64), null_share, owned)
    return fit_numbers(hint.name, hint.spark_type, pairs, config, form, labels)


def _wide(sampled: pd.DataFrame, hint: ColumnHint, null_share: float, config: EncodingConfig) -> NumberEncoding:
    """Numbers of many digits, exactly: their float64 are those of their form, and tokens are kept as text."""
    texts = [text if isinstance(text, str) else str(int(number)) for text, number in zip(sampled["text"], sampled["number"], strict=True)]
    array = pa.array(texts, pa.string()).cast(arrow_type(hint.spark_type))
    units, rows = units_of(array), sampled["sampled"].to_numpy(dtype=np.int64)
    order = np.argsort(units, kind="stable")
    array, units, rows = array.take(pa.array(order)), units[order], rows[order]
    kept = sampled["kept"].to_numpy(dtype=bool)[order]
    owned = ~kept & (sampled["n"].to_numpy()[order] >= config.min_category_rows)
    largest = 10**array.type.precision - 1 if pa.types.is_decimal(array.type) else 2**63 - 1
    form = str(find_decimal_form(units, np.where(owned, 1, rows), largest, config.min_category_rows))
    numbers = numbers_of_units(units, form)
    encoding = fit_numbers(hint.name, hint.spark_type, measured(numbers, rows, null_share, owned), config, form)
    # Values that a float64 cannot tell apart share a token, which stands for the commonest; where all of them are rare, for none.
    first, last = (np.searchsorted(numbers, encoding.tokens, side=side) for side in ("left", "right"))
    commonest = [a + int(np.argmax(rows[a:b])) for a, b in zip(first, last, strict=True)]
    told = array.take(pa.array(commonest, pa.int64())).cast(pa.string()).to_pylist()
    exact = tuple(str(text) if kept[i] and rows[i] >= config.min_category_rows else "" for text, i in zip(told, commonest, strict=True))
    return encoding.model_copy(update={"exact": exact})


def _text(seen: pd.DataFrame, hint: ColumnHint, null_share: float, config: EncodingConfig, seed: int) -> TextEncoding:
    known = seen[seen["text"].notna() & (seen["sampled"] > 0)]
    different, total = int(seen["distinct"].sum()), int(seen["n"].sum())
    distinct = different == total > MIN_TEXT_VALUES
    encoding = fit_text(hint.name, hint.spark_type, null_share, hint.provider, distinct=distinct)
    if not len(known):
        return encoding
    texts, rows = pa.array(known["text"].tolist(), type=pa.string()), known["sampled"].to_numpy(dtype=np.int64)
    if hint.provider is not None:
        told = distinct and hint.spark_type == "string" and room_of_recipe(hint.provider) >= total
        return encoding.model_copy(update={"recipe": hint.provider}) if told else encoding  # Faker's own values would repeat
    recipe = recipe_for(hint.likely, texts, rows, different, config.min_category_rows)
    if recipe is not None:
        limits = {"longest": longest_of(texts), "pool": even_pool(total, different), "letters": letters_of(texts)}
        return encoding.model_copy(update={"recipe": recipe, **limits})
    return _shaped(encoding, texts, rows, different, config, seed)


def _shaped(encoding: TextEncoding, texts: pa.Array, rows: np.ndarray, different: int, config: EncodingConfig, seed: int) -> TextEncoding:
    """The encoding with the shapes of `texts`, each of which `rows` have, (N,)."""
    found = fit_shapes(texts, rows, config.min_category_rows, generator(seed, "shapes", encoding.name), different)
    letters = {"sets": found.sets, "upper": found.upper, "lower": found.lower, "check": found.check}
    return encoding.model_copy(update={"shapes": found.shapes, "shape_counts": found.counts, **letters})


def _no_numbers(left: pd.DataFrame, kept: pd.DataFrame, hint: ColumnHint, config: EncodingConfig, seed: int) -> tuple[TextEncoding | None, int]:
    """How to make up the rare values that are no numbers (`12A`) of a column of numbers in text (`12`), and how many rows have them; None where it is none.

    Each of them is rare, and common numbers in their place would leave none of their kind.
    """
    numbers = is_number_text(pa.array(kept["text"], type=pa.string()))
    known = left[left["text"].notna() & (left["sampled"] > 0)]
    if numbers.sum() < LEAST_DIFFERENT or kept["n"].to_numpy()[numbers].sum() < MOSTLY_NUMBERS * kept["n"].sum() or not len(known):
        return None, 0
    odd = known[~is_number_text(pa.array(known["text"], type=pa.string()))]
    rows = round(int(left["n"].sum()) * int(odd["sampled"].sum()) / int(known["sampled"].sum()))
    if rows < config.min_category_rows:
        return None, 0
    texts, counts = pa.array(odd["text"].tolist(), type=pa.string()), odd["sampled"].to_numpy(dtype=np.int64)
    return _shaped(fit_text(hint.name, hint.spark_type, 0.0, None), texts, counts, len(odd), config, seed), rows


def _rare(left: pd.DataFrame, kept: pd.DataFrame, hint: ColumnHint, config: EncodingConfig) -> tuple[TextEncoding | None, int]:
    """How to make up values that are too rare to be told, and how many rows have them; none where they are few, or of no kind that is known.

    Random letters among real labels would be worse than a real label too many: a status that nobody knows breaks the code that reads it.
    """
    rows, different = int(left["n"].sum()), int(left["distinct"].sum())
    known = left[left["text"].notna() & (left["sampled"] > 0)]
    if hint.likely is None or not len(known) or rows < RARE_SHARE * (rows + int(kept["n"].sum())):
        return None, rows
    texts = pa.array([*known["text"], *kept["text"]], type=pa.string())
    counts = np.concatenate([known["sampled"].to_numpy(dtype=np.int64), kept["n"].to_numpy(dtype=np.int64)])
    recipe = recipe_for(hint.likely, texts, counts, 1, config.min_category_rows)
    if recipe is None:
        return None, rows
    made = fit_text(hint.name, hint.spark_type, 0.0, None)
    limits = {"longest": longest_of(texts), "pool": even_pool(rows, different), "letters": letters_of(texts)}
    return made.model_copy(update={"recipe": recipe, **limits}), rows
