"""The Gaussian copula of `independent`: what its sums find, and what it draws."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save

from synthohive_spark.errors import SchemaError, SerializationError
from synthohive_spark.kernels.columns.order import value_order
from synthohive_spark.kernels.copula import ScoredColumn, covariance, latent_correlation, order_frames, partial_products, positive_definite
from synthohive_spark.kernels.models import restore_model
from synthohive_spark.kernels.models.base import CodeLayout
from synthohive_spark.kernels.models.independent import Independent
from synthohive_spark.spec.encoding import CategoryEncoding, NumberEncoding
from synthohive_spark.spec.fitted import ModelSpec

N = 20_000


def columns_of(codes: np.ndarray, sizes: tuple[int, ...], has_order: tuple[bool, ...]) -> tuple[ScoredColumn, ...]:
    return tuple(
        ScoredColumn(f"r{i}", np.arange(k), np.bincount(codes[:, i], minlength=k) / len(codes), ordered)
        for i, (k, ordered) in enumerate(zip(sizes, has_order, strict=True))
    )


def covariance_of(codes: np.ndarray, columns: tuple[ScoredColumn, ...], parts: int = 1) -> np.ndarray:
    frames = [pd.DataFrame(part, columns=[c.name for c in columns]) for part in np.array_split(codes, parts)]
    totals = pd.concat([frame for part in frames for frame in partial_products(iter([part]), columns=columns)])
    return covariance(totals.groupby(["item", "other"], as_index=False)["total"].sum(), len(codes), len(columns))


def correlation_of(codes: np.ndarray, columns: tuple[ScoredColumn, ...]) -> np.ndarray:
    return latent_correlation(columns, covariance_of(codes, columns))


def placed_of(codes: np.ndarray, columns: tuple[ScoredColumn, ...]) -> tuple[ScoredColumn, ...]:
    frame = next(order_frames(iter([pd.DataFrame(codes, columns=[c.name for c in columns])]), columns=columns))
    return tuple(replace(c, order=np.array(order)) for c, order in zip(columns, frame["codes"], strict=True))


def model_of(codes: np.ndarray, columns: tuple[ScoredColumn, ...], correlation: np.ndarray, context: int = 0) -> Independent:
    sizes = tuple(len(c.order) for c in columns)
    layout = CodeLayout(sizes[context:], sizes[:context], tuple(c.shares for c in columns[context:]))
    model = Independent(layout, {"copula": True})
    shares = np.concatenate([np.empty(0), *(c.shares for c in columns[:context])])
    state = {"correlation": correlation, "order": np.concatenate([c.order for c in columns]), "context_shares": shares}
    model.load_state({name: torch.from_numpy(value) for name, value in state.items()})
    return model


def gaussian(*sizes: int, r: float = 0.7, seed: int = 0) -> np.ndarray:
    """Codes of latent normal variables that correlate with `r`, in intervals of equal share."""
    width = len(sizes)
    z = np.random.default_rng(seed).multivariate_normal(np.zeros(width), np.full((width, width), r) + (1 - r) * np.eye(width), N)
    ranks = z.argsort(axis=0).argsort(axis=0) / N
    return np.stack([(ranks[:, i] * k).astype(np.int64) for i, k in enumerate(sizes)], axis=1)


def test_the_latent_correlation_is_found_whatever_the_number_of_codes() -> None:
    codes = gaussian(2, 2, 5, 100)
    columns = columns_of(codes, (2, 2, 5, 100), (True,) * 4)
    found = correlation_of(codes, columns)
    assert found[~np.eye(4, dtype=bool)] == pytest.approx(0.7, abs=0.03)
    scores = np.corrcoef(codes[:, 0], codes[:, 1])[0, 1]
    assert scores < 0.52  # what the scores' own correlation would have said


def test_drawn_rows_have_the_marginals_and_the_dependence() -> None:
    codes = gaussian(3, 20)
    columns = columns_of(codes, (3, 20), (True, True))
    model = model_of(codes, columns, correlation_of(codes, columns))
    drawn = model.sample(np.zeros((N, 0), dtype=np.int64), np.random.default_rng(1))
    tables = [np.histogram2d(*x.T, bins=(np.arange(4), np.arange(21)))[0] / N for x in (codes, drawn)]
    floor = np.abs(tables[0] - np.outer(tables[0].sum(1), tables[0].sum(0))).sum() / 2
    assert np.abs(tables[0] - tables[1]).sum() / 2 < 0.03 < 0.2 < floor


def test_categories_are_placed_along_what_tells_them_apart() -> None:
    codes = gaussian(5, 50)
    shuffled = np.array([3, 0, 4, 1, 2])
    codes[:, 0] = shuffled[codes[:, 0]]
    columns = columns_of(codes, (5, 50), (False, True))
    placed = placed_of(codes, columns)
    order = placed[0].order.tolist()
    assert shuffled.tolist() in (order, order[::-1])
    assert abs(correlation_of(codes, placed)[0, 1]) == pytest.approx(0.7, abs=0.03)


def test_categories_alone_are_placed_along_each_other() -> None:
    first = np.random.default_rng(0).integers(0, 4, N)
    codes = np.stack([first, np.array([2, 0, 3, 1])[first]], axis=1)
    columns = columns_of(codes, (4, 4), (False, False))
    placed = placed_of(codes, columns)
    assert abs(correlation_of(codes, placed)[0, 1]) > 0.9


def test_sums_and_orders_are_the_same_in_any_parts() -> None:
    codes = gaussian(4, 30)
    columns = columns_of(codes, (4, 30), (False, True))
    assert covariance_of(codes, columns).tobytes() == covariance_of(codes[::-1], columns, 7).tobytes()
    assert placed_of(codes, columns)[0].order.tolist() == placed_of(codes[::-1], columns)[0].order.tolist()
    assert list(order_frames(iter([]), columns=columns)) == []
    assert next(partial_products(iter([]), columns=columns))["total"].tolist() == [0, 0, 0]


def test_context_and_given_codes_decide_and_leave_the_marginal_as_it_is() -> None:
    codes = gaussian(6, 6, 6, r=0.8)
    columns = columns_of(codes, (6, 6, 6), (True,) * 3)
    model = model_of(codes, columns, correlation_of(codes, columns), context=1)
    drawn = model.sample(codes[:, :1], np.random.default_rng(1))
    assert np.bincount(drawn[:, 0]) / N == pytest.approx(1 / 6, abs=0.012)
    assert np.corrcoef(drawn[:, 0], codes[:, 0])[0, 1] == pytest.approx(np.corrcoef(codes[:, 1], codes[:, 0])[0, 1], abs=0.02)
    given = np.full((N, 2), -1)
    given[: N // 2, 0] = 5
    drawn = model.sample(codes[:, :1], np.random.default_rng(1), given)
    assert (drawn[: N // 2, 0] == 5).all() and (drawn[N // 2 :, 0] == 5).mean() == pytest.approx(1 / 6, abs=0.02)
    assert drawn[: N // 2, 1].mean() > drawn[N // 2 :, 1].mean() + 0.7
    assert (model.sample(codes[:5, :1], np.random.default_rng(1), np.tile([1, 2], (5, 1))) == [1, 2]).all()
    assert model.sample(codes[:0, :1], np.random.default_rng(1)).shape == (0, 2)


def test_codes_without_rows_are_never_drawn_and_constant_columns_go_with_nothing() -> None:
    codes = np.stack([np.random.default_rng(0).choice([0, 2], N), np.zeros(N, dtype=np.int64)], axis=1)
    columns = columns_of(codes, (4, 3), (True, False))
    correlation = correlation_of(codes, placed_of(codes, columns))
    assert correlation.tolist() == [[1.0, 0.0], [0.0, 1.0]]
    drawn = model_of(codes, columns, correlation).sample(np.zeros((N, 0), dtype=np.int64), np.random.default_rng(1))
    assert set(drawn[:, 0]) == {0, 2} and set(drawn[:, 1]) == {0}


def test_positive_definite_changes_what_is_none_and_nothing_else() -> None:
    impossible = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    mended = positive_definite(impossible)
    assert np.linalg.eigvalsh(mended)[0] > 0 and np.diag(mended) == pytest.approx(1.0)
    good = np.array([[1.0, 0.5], [0.5, 1.0]])
    assert positive_definite(good) == pytest.approx(good)


def test_numbers_are_ordered_by_value() -> None:
    encoding = NumberEncoding(
        name="x", spark_type="double", has_null=True, weights=(0.1, 0.3, 0.2, 0.2, 0.2), tokens=(0.0, 5.0), knots=(-4, -4, -1, 2, 2, 6, 9), knots_per_bin=3
    )
    assert value_order(encoding).tolist() == [0, 3, 1, 4, 2]  # null, about -4, 0, about 4, 5
    assert value_order(NumberEncoding(name="x", spark_type="int", has_null=True, weights=(1.0,))).tolist() == [0]
    assert value_order(CategoryEncoding(name="x", spark_type="string", has_null=False, weights=(0.6, 0.4), values=("b", "a"))).tolist() == [0, 1]


def test_settings_and_states_that_do_not_fit_are_refused() -> None:
    layout = CodeLayout((2,), (), (np.array([0.5, 0.5]),))
    with pytest.raises(SchemaError, match="unknown settings kopula; there are copula"):
        Independent(layout, {"kopula": True})
    with pytest.raises(SchemaError, match="copula must be true or false"):
        Independent(layout, {"copula": "yes"})
    spec = ModelSpec(name="independent", settings={"copula": True}, row=(2,), context=())
    for state in ({}, {"correlation": torch.ones(2, 2), "order": torch.arange(2), "context_shares": torch.ones(0)}):
        with pytest.raises(SerializationError, match="damaged or belong to other columns"):
            restore_model(spec, save(state), ((0.5, 0.5),))


def test_a_saved_state_draws_the_same_rows() -> None:
    codes = gaussian(3, 4)
    columns = columns_of(codes, (3, 4), (True, True))
    model = model_of(codes, columns, correlation_of(codes, columns))
    spec = ModelSpec(name="independent", settings={"copula": True}, row=(3, 4), context=())
    again = restore_model(spec, save(model.state()), tuple(tuple(c.shares) for c in columns))
    none = np.zeros((500, 0), dtype=np.int64)
    assert (again.sample(none, np.random.default_rng(3)) == model.sample(none, np.random.default_rng(3))).all()
