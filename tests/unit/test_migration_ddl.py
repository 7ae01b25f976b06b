"""Keys from DDL, in the words of several databases."""

from __future__ import annotations

import subprocess
import sys
import warnings

import pytest

from synthohive_spark import Metadata, SchemaError

pytest.importorskip("sqlglot", reason="the extra ddl is not installed")

EXPECTED = (
    Metadata()
    .add_table("customers", pk="id")
    .add_table("orders", pk="id", fk={"customer": "customers.id"})
    .add_table("lines", pk=["order_id", "number"], fk={"order_id": "orders.id"})
    .add_table("parts", foreign_keys=[{"columns": ["order_id", "number"], "parent_table": "lines"}])
)
DIALECTS = {
    "postgres": """
        CREATE TABLE public.customers (id serial PRIMARY KEY, email varchar(20) NOT NULL);
        CREATE TABLE public.orders (id integer NOT NULL, customer integer NOT NULL REFERENCES Customers ON DELETE CASCADE, placed timestamptz DEFAULT now());
        ALTER TABLE ONLY public.orders ADD CONSTRAINT orders_pkey PRIMARY KEY (id);
        CREATE TABLE lines (order_id int, number int, PRIMARY KEY (order_id, number));
        ALTER TABLE ONLY public.lines ADD CONSTRAINT f FOREIGN KEY (order_id) REFERENCES public.orders(id) DEFERRABLE INITIALLY DEFERRED;
        CREATE TABLE parts (order_id int, number int, FOREIGN KEY (order_id, number) REFERENCES lines);
        ALTER TABLE lines ADD FOREIGN KEY (order_id) REFERENCES orders(id);
        """,
    "mysql": """
        CREATE TABLE `customers` (`id` int NOT NULL AUTO_INCREMENT, PRIMARY KEY (`id`), KEY `k` (`id`)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
        CREATE TABLE `orders` (`id` int PRIMARY KEY, `customer` int, CONSTRAINT `f` FOREIGN KEY (`customer`) REFERENCES `customers` (`id`) ON DELETE SET NULL);
        CREATE TABLE `lines` (`order_id` int, `number` int, PRIMARY KEY (`order_id`,`number`), FOREIGN KEY (`order_id`) REFERENCES `orders` (`id`));
        CREATE TABLE `parts` (`order_id` int, `number` int, FOREIGN KEY (`order_id`,`number`) REFERENCES `lines` (`order_id`,`number`));
        """,
    "tsql": """
        CREATE TABLE [dbo].[customers] ([id] int IDENTITY(1,1) NOT NULL, CONSTRAINT [PK_c] PRIMARY KEY CLUSTERED ([id] ASC));
        CREATE TABLE [dbo].[orders] ([id] int NOT NULL PRIMARY KEY, [customer] int NULL);
        ALTER TABLE [dbo].[orders] WITH CHECK ADD CONSTRAINT [F] FOREIGN KEY([customer]) REFERENCES [dbo].[customers] ([id]);
        CREATE TABLE lines (order_id int FOREIGN KEY REFERENCES orders(id), number int, CONSTRAINT pk PRIMARY KEY NONCLUSTERED (order_id, number));
        CREATE TABLE parts (order_id int, number int, FOREIGN KEY (order_id, number) REFERENCES lines (order_id, number));
        """,
    "databricks": """
        CREATE TABLE main.shop.customers (id BIGINT NOT NULL CONSTRAINT p PRIMARY KEY RELY, name STRING) USING DELTA;
        CREATE TABLE main.shop.orders (id BIGINT NOT NULL PRIMARY KEY, customer BIGINT CONSTRAINT f FOREIGN KEY REFERENCES main.shop.customers);
        CREATE TABLE main.shop.lines (order_id BIGINT, number INT, CONSTRAINT p PRIMARY KEY (order_id, number),
          CONSTRAINT g FOREIGN KEY (order_id) REFERENCES main.shop.orders NOT ENFORCED);
        CREATE TABLE main.shop.parts (order_id BIGINT, number INT, FOREIGN KEY (order_id, number) REFERENCES main.shop.lines);
        """,
    "oracle": """
        CREATE TABLE customers (id NUMBER(10) CONSTRAINT pk_c PRIMARY KEY, name VARCHAR2(20));
        CREATE TABLE orders (id NUMBER(10) PRIMARY KEY, customer NUMBER(10));
        ALTER TABLE orders ADD (CONSTRAINT f FOREIGN KEY (customer) REFERENCES CUSTOMERS(ID));
        CREATE TABLE lines (order_id NUMBER, "number" NUMBER, PRIMARY KEY (order_id, "number"), FOREIGN KEY (order_id) REFERENCES orders (id));
        CREATE TABLE parts (order_id NUMBER, "number" NUMBER, FOREIGN KEY (order_id, "number") REFERENCES lines (order_id, "number"));
        """,
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_keys_are_the_same_in_the_words_of_each_database(dialect: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert Metadata.from_ddl(DIALECTS[dialect], dialect=dialect) == EXPECTED


def test_a_candidate_key_stands_in_for_a_primary_key_that_is_missing() -> None:
    with pytest.warns(UserWarning, match=r"'a': UNIQUE \(y\)"):
        found = Metadata.from_ddl("CREATE TABLE a (x int NOT NULL UNIQUE, y int UNIQUE); CREATE TABLE b (y int UNIQUE); CREATE TABLE c (y int REFERENCES b(y))")
    assert [t.primary_key for t in found.tables.values()] == [("x",), (), ()]
    indexed = Metadata.from_ddl("CREATE TABLE a (x int NOT NULL, y int NOT NULL); CREATE UNIQUE INDEX i ON a (x, y)", dialect="sqlite")
    assert indexed.tables["a"].primary_key == ("x", "y")


def test_what_has_no_place_is_told_in_one_warning() -> None:
    ddl = """
        CREATE TABLE a (id int PRIMARY KEY, code text UNIQUE, x int CHECK (x > 0));
        CREATE UNIQUE INDEX some ON a (x) WHERE x > 3;
        ALTER TABLE a DROP COLUMN x;
        INSERT INTO a VALUES (7001, 'secret', 1);
        CREATE VIEW v AS SELECT 1; CREATE TABLE copied AS SELECT 1 AS x; GRANT SELECT ON a TO bob;
        """
    with pytest.warns(UserWarning) as told:
        found = Metadata.from_ddl(ddl, dialect="postgres")
    text = str(told[0].message)
    assert list(found.tables) == ["a"] and found.tables["a"].primary_key == ("id",)
    for left in ("UNIQUE (code)", "1 CHECK", "drops or renames", "1 x INSERT", "1 x CREATE VIEW", "1 x CREATE TABLE AS SELECT", "1 x GRANT"):
        assert left in text
    assert "secret" not in text and "7001" not in text


def test_a_dump_has_much_that_is_no_table(caplog: pytest.LogCaptureFixture) -> None:
    ddl = """
        SET statement_timeout = 0;
        CREATE FUNCTION public.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.at = 'secret'; RETURN NEW; END $$;
        CREATE TYPE public.rating AS ENUM ('G', 'PG');
        CREATE TABLE public.actor (actor_id integer DEFAULT nextval('public.s'::regclass) NOT NULL, r public.rating DEFAULT 'G'::public.rating, tags text[]);
        ALTER TABLE public.actor OWNER TO postgres;
        ALTER TABLE ONLY public.actor ALTER COLUMN actor_id SET DEFAULT nextval('public.s'::regclass);
        ALTER TABLE ONLY public.actor ADD CONSTRAINT actor_pkey PRIMARY KEY (actor_id);
        CREATE TABLE public.payment (payment_id integer, actor_id integer, at timestamp with time zone) PARTITION BY RANGE (at);
        ALTER TABLE public.payment ALTER COLUMN payment_id SET NOT NULL;
        ALTER TABLE ONLY public.payment ADD CONSTRAINT u UNIQUE (payment_id);
        ALTER TABLE ONLY public.payment ADD CONSTRAINT f FOREIGN KEY (actor_id) REFERENCES public.actor(actor_id) ON DELETE RESTRICT NOT VALID;
        CREATE TRIGGER t BEFORE UPDATE ON public.actor FOR EACH ROW EXECUTE FUNCTION public.touch();
        """
    with pytest.warns(UserWarning) as told:
        found = Metadata.from_ddl(ddl, dialect="postgres")
    assert found == Metadata().add_table("actor", pk="actor_id").add_table("payment", pk="payment_id", fk={"actor_id": "actor.actor_id"})
    assert len(told) == 1 and "1 x ALTER TABLE, 1 x CREATE FUNCTION, 1 x CREATE TRIGGER, 1 x CREATE TYPE, 1 x SET" in str(told[0].message)
    assert "secret" not in str(told[0].message) + caplog.text
    with pytest.raises(SchemaError, match="ALTER TABLE a: a form that the parser does not know"):
        Metadata.from_ddl("CREATE TABLE a (x int); ALTER TABLE a FROBNICATE CONSTRAINT p PRIMARY KEY (x)", dialect="postgres")


def test_all_faults_are_told_at_once_without_values() -> None:
    ddl = """
        CREATE TABLE a (id int, PRIMARY KEY (idd));
        CREATE TABLE A (id int);
        CREATE TABLE b (x int DEFAULT 7001, y int REFERENCES c, z int REFERENCES a(nix), FOREIGN KEY (x, y) REFERENCES a (id));
        ALTER TABLE d ADD PRIMARY KEY (x);
        CREATE TABLE e (id int, PRIMARY KEY (id;
        """
    with pytest.raises(SchemaError) as raised:
        Metadata.from_ddl(ddl)
    told = str(raised.value)
    parts = ["'idd', which is not there; did you mean 'id'?", "'a' is created twice", "no CREATE TABLE describes that table", "no column 'nix'"]
    for part in [*parts, "it has 2 columns, and points at 1", "names 'd', which no CREATE TABLE", "line 6, column"]:
        assert part in told, part
    assert "7001" not in told and all(line.startswith("DDL: ") for line in told.splitlines())


def test_a_table_that_the_parser_does_not_know_is_no_table_that_is_silently_missing() -> None:
    with pytest.raises(SchemaError, match=r"CREATE TABLE a: a form that the parser does not know"):
        Metadata.from_ddl("CREATE TABLE a (id INTEGER PRIMARY KEY) WITHOUT ROWID; CREATE TABLE b (x int)", dialect="sqlite")
    with pytest.raises(SchemaError, match="there is no CREATE TABLE"):
        Metadata.from_ddl("SELECT 1")
    with pytest.raises(SchemaError, match="quote or comment does not end"):
        Metadata.from_ddl("CREATE TABLE a (x text DEFAULT 'abc)")
    with pytest.raises(SchemaError, match="'klingon' is not known; there are .*postgres"):
        Metadata.from_ddl("CREATE TABLE a (x int)", dialect="klingon")


def test_what_the_parser_does_not_know_is_told_by_the_name_of_its_table_alone() -> None:
    with pytest.raises(SchemaError) as told:
        Metadata.from_ddl("CREATE TABLE b (id int PRIMARY KEY); ALTER TABLE a ADD COLUMN q text DEFAULT 'secretvalue' REFERENCES b (id) NOSUCH !!")
    assert "ALTER TABLE a:" in str(told.value) and "secretvalue" not in str(told.value)


PARTED = """
    CREATE TABLE public.m (id int NOT NULL, d date NOT NULL) PARTITION BY RANGE (d);
    CREATE TABLE public.m_2023 (id int NOT NULL, d date NOT NULL);
    CREATE TABLE m_2024 PARTITION OF m (CONSTRAINT pk PRIMARY KEY (id, d)) FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (id);
    CREATE TABLE m_2024_1 PARTITION OF m_2024 FOR VALUES IN (1);
    CREATE TABLE "M rest" PARTITION OF m DEFAULT;
    ALTER TABLE ONLY public.m ATTACH PARTITION public.m_2023 FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
    CREATE UNIQUE INDEX u ON ONLY public.m USING btree (id);
    ALTER TABLE ONLY public.m ADD CONSTRAINT m_pkey PRIMARY KEY (id, d);
    ALTER TABLE ONLY public.m_2023 ADD CONSTRAINT m_2023_pkey PRIMARY KEY (id, d);
    ALTER INDEX public.m_pkey ATTACH PARTITION public.m_2023_pkey;
    CREATE TABLE n (id int PRIMARY KEY, m int, d date, FOREIGN KEY (m, d) REFERENCES m_2024_1 (id, d));
"""


def test_partitions_are_no_tables_of_their_own() -> None:
    with pytest.warns(UserWarning, match="4 partitions of 'm': their rows are those of the table") as told:
        metadata = Metadata.from_ddl(PARTED, dialect="postgres")
    assert "2024-01-01" not in str(told[0].message)
    assert sorted(metadata.tables) == ["m", "n"] and metadata.tables["m"].primary_key == ("id", "d")
    assert str(metadata.tables["n"].foreign_keys[0]) == "(m, d) -> m(id, d)"


def test_partitions_of_nothing_are_a_fault() -> None:
    with pytest.raises(SchemaError, match="partitions of 'm', which no CREATE TABLE describes"):
        Metadata.from_ddl("CREATE TABLE a (id int); CREATE TABLE b PARTITION OF m DEFAULT; CREATE TABLE c PARTITION OF c DEFAULT;", dialect="postgres")


def test_without_sqlglot_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['sqlglot'] = None\n"
        "from synthohive_spark import Metadata, MissingDependencyError\n"
        "try: Metadata.from_ddl('')\n"
        "except MissingDependencyError as error: print(error)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert 'pip install "synthohive_spark[ddl]"' in told
