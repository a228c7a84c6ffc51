"""Everything that a server keeps, as bytes to be searched for what must not be there."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from charafy.kernel.db import Database


def stored(db: Database, home: Path) -> list[bytes]:
    """The files of the data folder, and the rows of a database that is not among them."""
    db.close()  # nothing stays in a log that nobody reads
    files = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    return files + _rows(db)


def _rows(db: Database) -> list[bytes]:
    with db.read() as tx:
        if tx.dialect.name == "sqlite":
            return []
        tx.exec_driver_sql("SET LOCAL bytea_output = 'escape'")  # legible where it is text
        return [
            str(row).encode()
            for table in sa.inspect(tx).get_table_names()
            for row in tx.exec_driver_sql(f'SELECT t::text FROM "{table}" AS t').scalars()
        ]
