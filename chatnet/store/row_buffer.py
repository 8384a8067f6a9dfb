"""The rows that a transaction puts, gathered table by table, so that all of one table are written in one go.

Whoever reads rows by any other way than `RowBuffer.find` writes what is gathered before.
"""

import sqlite3
from itertools import chain

from chatnet.store.records import Values
from chatnet.store.rows import META, Table


class RowBuffer:
    """Rows of all tables but those of messages, heads and devices. It ends with its transaction, if that fails."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database
        self._rows: dict[Table, dict[object, tuple[object, ...]]] = {}
        self._next: dict[str, int] = {}

    def find(self, table: Table, *key: object) -> Values | None:
        """The values in a row, whether it is written yet or not.

        :raises DamagedRow: they are not what was put.
        """
        unwritten = self._rows.get(table, {}).get(key)
        if unwritten is not None:
            return unwritten[:-1]
        raw = self._database.execute(table.get, key).fetchone()
        return None if raw is None else table.open(raw)

    def put(self, table: Table, *values: object) -> None:
        """Put a row, over the one with the same key."""
        self._rows.setdefault(table, {})[table.key(values)] = table.sealed(*values)

    def drop(self, table: Table, key: Values) -> None:
        """Drop a row, whether it is there or not."""
        self._rows.get(table, {}).pop(key, None)
        self._database.execute(table.drop, key)

    def number(self, counter: str) -> int:
        """The next of the ids that are counted there."""
        if counter not in self._next:
            found = self.find(META, counter)
            self._next[counter] = 1 if found is None else found[1]
        return self._next[counter]

    def count(self, counter: str, id: int) -> None:
        """No id is given out twice, not even one whose owner is forgotten."""
        if id >= self.number(counter):
            self._next[counter] = id + 1
            self.put(META, counter, id + 1)

    def flush(self) -> None:
        """Write all that is not written yet."""
        for table, rows in self._rows.items():
            table.put_many.write(self._database, list(chain.from_iterable(rows.values())))
        self._rows.clear()
