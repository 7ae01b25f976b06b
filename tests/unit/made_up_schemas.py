"""Schemas with other habits of naming than the datasets, and what is true of them: primary keys by table, foreign keys as text."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

import numpy as np
import pandas as pd


@dataclass
class MadeUp:
    """Frames, and their keys."""

    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    primary: dict[str, str] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)

    def table(self, name: str, pk: str | None, keys: str, /, **columns: object) -> MadeUp:
        """`keys`: `a -> t(b); ...`."""
        self.frames[name] = pd.DataFrame(columns)
        if pk:
            self.primary[name] = pk
        self.foreign |= {f"{name}({one.replace(' -> ', ') -> ', 1)}" for one in keys.split("; ") if one}
        return self


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _maybe(rng: np.random.Generator, values: np.ndarray, nulls: float) -> pd.Series:
    return pd.Series(values, dtype="Int64").mask(rng.random(len(values)) < nulls)


def camel_case() -> MadeUp:
    """Every key is `id`, counts from 1, and holds every small number there is."""
    rng, n = _rng(1), 400
    made = MadeUp()
    made.table("Team", "id", "", id=np.arange(1, 26), teamName=[f"team {i}" for i in range(25)], level=rng.integers(1, 5, 25))
    made.table(
        "User",
        "id",
        "teamId -> Team(id)",
        id=np.arange(1, 121),
        teamId=rng.integers(1, 26, 120),
        age=rng.integers(18, 70, 120),
        visits=rng.integers(1, 100, 120),
    )
    made.table("Project", "id", "ownerId -> User(id)", id=np.arange(1, 61), ownerId=rng.integers(1, 121, 60), budget=rng.integers(1, 50, 60))
    made.table(
        "TaskItem",
        "id",
        "projectId -> Project(id); assigneeUserId -> User(id); parentTaskItemId -> TaskItem(id)",
        id=np.arange(1, n + 1),
        projectId=rng.integers(1, 61, n),
        assigneeUserId=_maybe(rng, rng.integers(1, 121, n), 0.2),
        parentTaskItemId=_maybe(rng, np.maximum(1, np.arange(n) // 2), 0.3),
        storyPoints=rng.integers(1, 14, n),
        priority=rng.integers(1, 4, n),
    )
    return made


def marked() -> MadeUp:
    """Keys say pk and fk before the name of the table."""
    rng, n = _rng(2), 900
    made = MadeUp()
    made.table("tbl_customer", "pk_customer", "", pk_customer=np.arange(1, 81), segment=rng.integers(1, 6, 80))
    made.table("tbl_invoice", "pk_invoice", "fk_customer -> tbl_customer(pk_customer)", pk_invoice=np.arange(1, n + 1), fk_customer=rng.integers(1, 81, n))
    rows = 2 * n
    keys = "fk_invoice -> tbl_invoice(pk_invoice); fk_article -> tbl_article(id_article)"
    lines = {
        "fk_invoice": np.repeat(np.arange(1, n + 1), 2),
        "position": np.tile([1, 2], n),
        "fk_article": rng.integers(1, 41, rows),
        "pieces": rng.integers(1, 41, rows),
    }
    made.table("tbl_invoice_line", "fk_invoice, position", keys, **lines)
    return made.table("tbl_article", "id_article", "", id_article=np.arange(1, 41), weight=rng.integers(1, 30, 40))


def numbers() -> MadeUp:
    """CUSTOMER.NO and CUSTOMER_NO; composite keys; codes as text."""
    rng, n = _rng(3), 600
    codes = np.array([f"C{i:05d}" for i in rng.permutation(4000)[:150]])
    made = MadeUp().table("CUSTOMER", "NO", "", NO=codes, CLASS=rng.choice(list("ABC"), 150))
    orders = rng.permutation(9000)[:n] + 10000
    made.table("ORDERS", "NO", "CUSTOMER_NO -> CUSTOMER(NO)", NO=orders, CUSTOMER_NO=rng.choice(codes, n), ORDER_YEAR=rng.integers(2015, 2024, n))
    per = rng.integers(1, 5, n)
    order_no, line = np.repeat(orders, per), np.concatenate([np.arange(1, k + 1) for k in per])
    made.table("ORDER_LINE", "ORDER_NO, LINE_NO", "ORDER_NO -> ORDERS(NO)", ORDER_NO=order_no, LINE_NO=line, QTY=rng.integers(1, 9, len(line)))
    some = np.sort(rng.permutation(len(line))[:500])
    made.table(
        "SHIPMENT",
        "SHIPMENT_ID",
        "ORDER_NO, LINE_NO -> ORDER_LINE(ORDER_NO, LINE_NO); ORDER_NO -> ORDERS(NO)",
        SHIPMENT_ID=np.arange(500) + 1,
        ORDER_NO=order_no[some],
        LINE_NO=line[some],
        PACKAGES=rng.integers(1, 4, 500),
    )
    return made


def nameless() -> MadeUp:
    """Names say nothing: only that the range of a key fits does."""
    rng = _rng(4)
    made = MadeUp().table("t1", "a", "", a=np.arange(1, 90), b=rng.integers(1, 40, 89))
    made.table("t2", "a", "", a=np.arange(1, 301), b=rng.integers(500, 900, 300))
    made.table(
        "t3", "a", "b -> t1(a); c -> t2(a)", a=np.arange(1, 2001), b=rng.integers(1, 90, 2000), c=rng.integers(1, 301, 2000), d=rng.integers(0, 12, 2000)
    )
    return made


def prefixed() -> MadeUp:
    """Columns begin with letters of their table, keys are written together."""
    rng, n = _rng(5), 800
    made = MadeUp().table(
        "nation", "n_nationkey", "", n_nationkey=np.arange(25), n_name=[f"N{i:02d}" for i in range(25)], n_comment=[f"long words {i}" * 5 for i in range(25)]
    )
    made.table(
        "supplier",
        "s_suppkey",
        "s_nationkey -> nation(n_nationkey)",
        s_suppkey=np.arange(1, 51),
        s_nationkey=rng.integers(0, 25, 50),
        s_acctbal=rng.normal(size=50),
    )
    made.table("part", "p_partkey", "", p_partkey=np.arange(1, 201), p_size=rng.integers(1, 51, 200), p_retailprice=rng.normal(size=200))
    part, supp = np.repeat(np.arange(1, 201), 3), (np.tile([0, 17, 33], 200) + np.repeat(np.arange(200), 3)) % 50 + 1
    stock = rng.integers(1, 10000, 600)
    made.table(
        "partsupp",
        "ps_partkey, ps_suppkey",
        "ps_partkey -> part(p_partkey); ps_suppkey -> supplier(s_suppkey)",
        ps_partkey=part,
        ps_suppkey=supp,
        ps_availqty=stock,
    )
    made.table(
        "customer",
        "c_custkey",
        "c_nationkey -> nation(n_nationkey)",
        c_custkey=np.arange(1, 151),
        c_nationkey=rng.integers(0, 25, 150),
        c_acctbal=rng.normal(size=150),
    )
    orders = np.sort(rng.permutation(4 * n)[:n]) + 1
    made.table(
        "orders", "o_orderkey", "o_custkey -> customer(c_custkey)", o_orderkey=orders, o_custkey=rng.integers(1, 151, n), o_shippriority=np.zeros(n, dtype=int)
    )
    pick, per = rng.integers(0, 600, 2 * n), np.repeat(orders, 2)
    keys = "l_orderkey -> orders(o_orderkey); l_partkey, l_suppkey -> partsupp(ps_partkey, ps_suppkey); "
    keys += "l_partkey -> part(p_partkey); l_suppkey -> supplier(s_suppkey)"
    lines = {"l_orderkey": per, "l_partkey": part[pick], "l_suppkey": supp[pick], "l_linenumber": np.tile([1, 2], n), "l_quantity": rng.integers(1, 51, 2 * n)}
    return made.table("lineitem", "l_orderkey, l_linenumber", keys, **lines)


def short_words() -> MadeUp:
    """The oldest example there is: empno, deptno, mgr."""
    rng, n = _rng(6), 70
    made = MadeUp().table("dept", "deptno", "", deptno=np.arange(10, 90, 10), dname=[f"d{i}" for i in range(8)], loc=rng.choice(list("xyz"), 8))
    staff = 7000 + np.sort(rng.permutation(999)[:n])
    boss = _maybe(rng, staff[rng.integers(0, 10, n)], 0.1)
    made.table(
        "emp", "empno", "mgr -> emp(empno); deptno -> dept(deptno)", empno=staff, mgr=boss, sal=rng.integers(800, 5000, n), deptno=rng.integers(1, 9, n) * 10
    )
    grades = {"grade": np.arange(1, 6), "losal": [700, 1201, 1401, 2001, 3001], "hisal": [1200, 1400, 2000, 3000, 9999]}
    return made.table("salgrade", "grade", "", **grades)


def random_keys() -> MadeUp:
    """Random keys, two to one parent, a table that extends another, a table of a part of the rows."""
    rng = _rng(7)
    ids = np.array([str(uuid.UUID(bytes=rng.bytes(16))) for _ in range(300)])
    made = MadeUp().table("accounts", "id", "", id=ids, nick=[f"nick{i}" for i in range(300)], born=rng.integers(1950, 2005, 300))
    made.table("account_settings", "id", "id -> accounts(id)", id=ids[:280], theme=rng.choice(["dark", "light"], 280))
    made.table(
        "messages",
        "message_id",
        "sender -> accounts(id); recipient -> accounts(id); in_reply_to -> messages(message_id)",
        message_id=(posts := np.array([str(uuid.UUID(bytes=rng.bytes(16))) for _ in range(2000)])),
        sender=rng.choice(ids, 2000),
        recipient=rng.choice(ids, 2000),
        in_reply_to=pd.Series(posts[np.maximum(0, np.arange(2000) - 5)]).mask(rng.random(2000) < 0.6),
        length=rng.integers(1, 300, 2000),
    )
    return made


def calendar() -> MadeUp:
    """Years, months and codes; nothing of them points at a number that happens to be there."""
    rng = _rng(8)
    regions = np.array(["NRD", "SUD", "WST", "OST", "MIT"])
    made = MadeUp().table("regions", "code", "", code=regions, label=[f"Region {r}" for r in regions])
    made.table(
        "stores",
        "store_code",
        "region -> regions(code)",
        store_code=[f"S{i:03d}" for i in range(60)],
        region=rng.choice(regions, 60),
        floors=rng.integers(1, 5, 60),
    )
    year, month, region = (a.ravel() for a in np.meshgrid(np.arange(2018, 2024), np.arange(1, 13), regions, indexing="ij"))
    made.table(
        "budgets", "region_code, year, month", "region_code -> regions(code)", region_code=region, year=year, month=month, planned=rng.integers(1000, 9000, 360)
    )
    pick = rng.integers(0, 360, 1500)
    made.table(
        "sales",
        "sale_id",
        "store_code -> stores(store_code); region_code, year, month -> budgets(region_code, year, month); region_code -> regions(code)",
        sale_id=np.arange(1, 1501),
        store_code=rng.choice([f"S{i:03d}" for i in range(60)], 1500),
        region_code=region[pick],
        year=year[pick],
        month=month[pick],
        amount=rng.integers(1, 400, 1500),
    )
    return made


def star() -> MadeUp:
    """A star with keys of dates, and rows that belong to nobody."""
    rng, n = _rng(9), 3000
    days = pd.date_range("2022-01-01", periods=500)
    keys = days.strftime("%Y%m%d").astype(int).to_numpy()
    made = MadeUp().table("dim_date", "date_key", "", date_key=keys, day_of_week=days.dayofweek + 1, month=days.month, year=days.year)
    made.table("dim_product", "product_key", "", product_key=np.arange(1, 201), sku=[f"SK-{i:04d}" for i in range(200)], pack_size=rng.integers(1, 24, 200))
    made.table("dim_store", "store_key", "", store_key=np.arange(1, 41), opened=rng.integers(1990, 2020, 40), sqm=rng.integers(80, 900, 40))
    store = rng.integers(1, 41, n)
    store[rng.random(n) < 0.03] = -1
    made.table(
        "fact_sales",
        None,
        "order_date_key -> dim_date(date_key); ship_date_key -> dim_date(date_key); product_key -> dim_product(product_key); store_key -> dim_store(store_key)",
        order_date_key=rng.choice(keys[:480], n),
        ship_date_key=rng.choice(keys, n),
        product_key=rng.integers(1, 201, n),
        store_key=store,
        units=rng.integers(1, 10, n),
        revenue=rng.gamma(2, 20, n),
    )
    return made


def blog() -> MadeUp:
    """A prefix for all tables, and columns that begin with what their row is."""
    rng = _rng(10)
    made = MadeUp().table("wp_users", "ID", "", ID=np.arange(1, 61), user_login=[f"u{i}" for i in range(60)], user_status=np.zeros(60, dtype=int))
    made.table(
        "wp_posts", "ID", "post_author_id -> wp_users(ID)", ID=np.arange(1, 801), post_author_id=rng.integers(1, 61, 800), menu_order=rng.integers(0, 9, 800)
    )
    made.table(
        "wp_comments",
        "comment_ID",
        "comment_post_ID -> wp_posts(ID); user_id -> wp_users(ID)",
        comment_ID=np.arange(1, 3001),
        comment_post_ID=rng.integers(1, 801, 3000),
        user_id=rng.integers(1, 61, 3000),
        comment_karma=rng.integers(0, 20, 3000),
    )
    made.table(
        "wp_postmeta", "meta_id", "post_id -> wp_posts(ID)", meta_id=np.arange(1, 901), post_id=rng.integers(1, 801, 900), meta_key=rng.choice(["a", "b"], 900)
    )
    return made


def joined() -> MadeUp:
    """Tables that join two others, without a key of their own; composite parts with roles."""
    rng = _rng(11)
    made = MadeUp().table("students", "student_id", "", student_id=np.arange(501, 701), cohort=rng.integers(2018, 2024, 200))
    made.table("courses", "course_code", "", course_code=[f"MAT{i}" for i in range(100, 140)], credits=rng.integers(2, 9, 40))
    pairs = rng.permutation(200 * 40)[:900]
    student, course = 501 + pairs // 40, np.array([f"MAT{100 + i}" for i in pairs % 40])
    keys = "student_id -> students(student_id); course_code -> courses(course_code)"
    made.table("enrolments", "student_id, course_code", keys, student_id=student, course_code=course, points=rng.integers(0, 101, 900))
    pick = rng.integers(0, 900, 1500)
    made.table(
        "submissions",
        "submission_id",
        "student_id, course_code -> enrolments(student_id, course_code); " + keys,
        submission_id=np.arange(1, 1501),
        student_id=student[pick],
        course_code=course[pick],
        attempt=rng.integers(1, 4, 1500),
    )
    return made


SCHEMAS = {f.__name__: f for f in (camel_case, marked, numbers, nameless, prefixed, short_words, random_keys, calendar, star, blog, joined)}
