"""The SQLite store keeps the contract of every store, with real files."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from chatnet.net.ports import Store
from chatnet.store.sqlite import SqliteStore
from chatnet.testing.store_conformance import StoreConformance
from tests.store.places import scratch_folder


class TestSqliteStore(StoreConformance):
    @pytest.fixture(autouse=True)
    def _close_all(self) -> Iterator[None]:
        with ExitStack() as self._opened:
            yield

    def make_store(self) -> Store:
        return self._open(self._opened.enter_context(scratch_folder()))

    def reopen(self, store: Store) -> Store:
        store.close()
        return self._open(self._folders[id(store)])

    def _open(self, folder: Path) -> Store:
        store = SqliteStore(folder)
        self._folders = {id(store): folder}
        self._opened.callback(store.close)
        return store
