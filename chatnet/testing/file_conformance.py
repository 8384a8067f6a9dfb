"""What every file store must do: a suite to run on one's own, with pytest and hypothesis.

    class TestMyFileStore(FileStoreConformance):
        def make_store(self) -> FileStore:
            return MyFileStore()

        def reopen(self, store: FileStore) -> FileStore:
            store.close()
            return MyFileStore(the_same_place)

The store is new and empty, and has room for some MiB. The rules are those of `chatnet.core.file_jobs`.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chatnet.auth.possession import Ranges, answer
from chatnet.core.file_jobs import (
    ClosePart,
    Collect,
    Collected,
    DropFile,
    DropPart,
    Dropped,
    FileFailed,
    FileProved,
    FileRead,
    FinishPart,
    OpenPart,
    PartClosed,
    PartOpened,
    PartWritten,
    ProveFile,
    ReadFile,
    WritePart,
)
from chatnet.errors import ErrorCode
from chatnet.net.ports import FileStore
from chatnet.testing.file_driver import FileDriver, digest, some_bytes

_SUPPRESSED = [HealthCheck.differing_executors, HealthCheck.too_slow]


class FileStoreConformance:
    """Subclass it as ``Test...`` and define `make_store` and `reopen`."""

    def make_store(self) -> FileStore:
        """A new, empty store."""
        raise NotImplementedError

    def reopen(self, store: FileStore) -> FileStore:
        """Close a store, and open what it kept again."""
        raise NotImplementedError

    def new(self) -> FileDriver:
        return FileDriver(self.make_store())

    def new_again(self, driver: FileDriver) -> FileDriver:
        return FileDriver(self.reopen(driver.store))

    # -- whole uploads ----------------------------------------------------------------------------------------

    @pytest.mark.parametrize("size", [0, 1, 999, 1000, 5000])
    def test_what_was_uploaded_can_be_read(self, size: int) -> None:
        driver, content = self.new(), some_bytes(size)
        driver.upload(1, content)
        assert driver.read(digest(content)) == content
        driver.store.close()

    def test_a_file_is_not_there_before_its_upload_is_finished(self) -> None:
        driver, content = self.new(), some_bytes(3000)
        driver.write(1, content, driver.open(1, content))
        assert driver.failure(ReadFile(digest(content), 0, 10)).code == ErrorCode.NO_SUCH_FILE
        driver.finish(1)
        assert driver.read(digest(content)) == content
        driver.store.close()

    def test_the_same_content_of_two_uploads_is_one_file(self) -> None:
        driver, content = self.new(), some_bytes(3000)
        driver.write(1, content, driver.open(1, content), 2000)
        driver.upload(2, content)
        driver.write(1, content, 2000)
        driver.finish(1)
        assert driver.read(digest(content)) == content
        driver.drop(digest(content))
        assert driver.failure(ReadFile(digest(content), 0, 1)).code == ErrorCode.NO_SUCH_FILE
        driver.store.close()

    def test_another_content_than_was_announced_is_refused_and_nothing_is_left_of_it(self) -> None:
        driver, announced = self.new(), some_bytes(3000)
        wrong = announced[:-1] + bytes([announced[-1] ^ 1])
        driver.open(1, announced)
        driver.write(1, wrong)
        failure = driver.failure(FinishPart(1))
        assert failure.code == ErrorCode.BAD_DIGEST
        assert digest(announced).hex() in failure.reason
        assert digest(wrong).hex() in failure.reason
        for content in (announced, wrong):
            assert driver.failure(ReadFile(digest(content), 0, 10)).code == ErrorCode.NO_SUCH_FILE
        assert driver.open(1, announced) == 0
        driver.store.close()

    def test_an_upload_that_lacks_bytes_cannot_be_finished_and_goes_on(self) -> None:
        driver, content = self.new(), some_bytes(3000)
        driver.open(1, content)
        driver.write(1, content, 0, 2999)
        assert driver.failure(FinishPart(1)).code == ErrorCode.BAD_REQUEST
        driver.write(1, content, 2999)
        driver.finish(1)
        driver.store.close()

    def test_many_uploads_go_on_side_by_side(self) -> None:
        driver = self.new()
        contents = {part: some_bytes(2000 + part, part) for part in range(1, 9)}
        for part, content in contents.items():
            driver.open(part, content)
        for at in range(0, 3000, 500):
            for part, content in contents.items():
                driver.write(part, content, at, min(at + 500, len(content)))
        for part, content in contents.items():
            driver.finish(part)
            assert driver.read(digest(content)) == content
        driver.store.close()

    # -- order ------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(("offset", "size"), [(1001, 10), (999, 10), (0, 10), (1000, 2001)])
    def test_bytes_that_do_not_follow_are_refused_and_close_the_part(self, offset: int, size: int) -> None:
        driver, content = self.new(), some_bytes(3000)
        driver.open(1, content)
        driver.write(1, content, 0, 1000)
        assert driver.failure(WritePart(1, offset, bytes(size))).code == ErrorCode.BAD_REQUEST
        assert driver.failure(WritePart(1, 1000, content[1000:1500])).code == ErrorCode.BAD_REQUEST
        driver.upload(1, content)
        assert driver.read(digest(content)) == content
        driver.store.close()

    def test_nothing_is_taken_for_a_part_that_is_not_open(self) -> None:
        driver = self.new()
        assert driver.failure(WritePart(1, 0, b"x")).code == ErrorCode.BAD_REQUEST
        assert driver.failure(FinishPart(1)).code == ErrorCode.BAD_REQUEST
        assert driver.close(1) == 0
        assert isinstance(driver.ask(Dropped, DropPart(1)), Dropped)
        driver.store.close()

    def test_jobs_of_one_part_are_answered_in_order(self) -> None:
        driver, content = self.new(), some_bytes(5000)
        driver.upload(9, content)
        driver.open(1, content)
        driver.write(1, content, 0, 4000)
        driver.close(1)
        jobs = [
            OpenPart(1, 5000, digest(content), token="opened"),
            WritePart(1, 4000, content[4000:4400], token="written"),
            ClosePart(1, token="closed"),
            OpenPart(1, 5000, digest(content), token="opened again"),
            WritePart(1, 4400, content[4400:], token="the rest"),
            FinishPart(1, token="finished"),
            DropPart(1, token="dropped"),
        ]
        others = [ReadFile(digest(content), at, 10, token=at) for at in range(20)]
        answers = driver.answers(*(job for pair in zip(jobs, others, strict=False) for job in pair))
        tokens = [answered.job.token for answered in answers]
        assert [token for token in tokens if isinstance(token, str)] == [job.token for job in jobs]
        assert [token for token in tokens if isinstance(token, int)] == list(range(len(jobs)))
        assert not any(isinstance(answered, FileFailed) for answered in answers)
        driver.store.close()

    # -- going on ---------------------------------------------------------------------------------------------

    def test_an_upload_goes_on_after_an_interruption_where_it_was(self) -> None:
        driver, content = self.new(), some_bytes(9000)
        driver.open(1, content)
        driver.write(1, content, 0, 5001)
        assert driver.close(1) == 5001
        assert driver.open(1, content) == 5001
        driver.write(1, content, 5001)
        driver.finish(1)
        assert driver.read(digest(content)) == content
        driver.store.close()

    def test_an_upload_that_was_not_closed_goes_on_too(self) -> None:
        driver, content = self.new(), some_bytes(9000)
        driver.open(1, content)
        driver.write(1, content, 0, 5001)
        assert driver.open(1, content) == 5001
        driver.store.close()

    def test_uploads_and_files_survive_a_restart(self) -> None:
        driver, content, other = self.new(), some_bytes(9000), some_bytes(3000, 1)
        driver.upload(1, other)
        driver.open(2, content)
        driver.write(2, content, 0, 5001)
        driver = self.new_again(driver)
        assert driver.read(digest(other)) == other
        assert driver.open(2, content) == 5001
        driver.write(2, content, 5001)
        driver.finish(2)
        assert driver.read(digest(content)) == content
        driver.store.close()

    def test_a_finished_upload_is_finished_again_until_it_is_dropped(self) -> None:
        driver, content = self.new(), some_bytes(3000)
        driver.write(1, content, driver.open(1, content))
        driver.finish(1)
        driver = self.new_again(driver)
        assert driver.open(1, content) == len(content)
        driver.finish(1)
        driver.answers(DropPart(1))
        driver = self.new_again(driver)
        assert driver.read(digest(content)) == content
        assert driver.open(1, content) == 0
        driver.store.close()

    def test_a_dropped_upload_begins_anew(self) -> None:
        driver, content = self.new(), some_bytes(3000)
        driver.write(1, content, driver.open(1, content), 2000)
        driver.answers(DropPart(1))
        assert driver.failure(WritePart(1, 2000, b"x")).code == ErrorCode.BAD_REQUEST
        assert driver.open(1, content) == 0
        driver.store.close()

    @settings(deadline=None, suppress_health_check=_SUPPRESSED, max_examples=30)
    @given(data=st.data(), size=st.integers(0, 6000))
    def test_any_cuts_and_interruptions_lead_to_the_same_file(self, data: st.DataObject, size: int) -> None:
        driver, content = self.new(), some_bytes(size)
        at = driver.open(1, content)
        while at < size:
            match data.draw(st.sampled_from(["write", "write", "write", "close", "open", "restart"])):
                case "write":
                    end = data.draw(st.integers(min(size, at + 1 + size // 10), min(size, at + 2500)))
                    durable = driver.ask(PartWritten, WritePart(1, at, content[at:end])).durable
                    assert durable <= end
                    at = end
                case "close":
                    assert driver.ask(PartClosed, ClosePart(1)).offset == at
                    assert driver.ask(PartOpened, OpenPart(1, size, digest(content))).offset == at
                case "open":
                    assert driver.open(1, content) == at
                case "restart":
                    driver = self.new_again(driver)
                    assert driver.open(1, content) == at
        driver.finish(1)
        assert driver.read(digest(content), piece=data.draw(st.integers(500, 4000))) == content
        driver.store.close()

    # -- reading ----------------------------------------------------------------------------------------------

    def test_a_piece_at_the_end_is_shorter_and_one_behind_it_fails(self) -> None:
        driver, content = self.new(), some_bytes(3000)
        name = driver.upload(1, content)
        assert driver.ask(FileRead, ReadFile(name, 2900, 500)).data == content[2900:]
        assert driver.ask(FileRead, ReadFile(name, 3000, 500)).data == b""
        assert driver.failure(ReadFile(name, 3001, 500)).code == ErrorCode.STORE_FAILING
        driver.store.close()

    def test_a_file_that_is_dropped_while_it_is_read_ends_there(self) -> None:
        driver, content = self.new(), some_bytes(3000)
        name = driver.upload(1, content)
        driver.ask(FileRead, ReadFile(name, 0, 1000))
        driver.ask(Dropped, DropFile(name))
        assert driver.failure(ReadFile(name, 1000, 1000)).code == ErrorCode.NO_SUCH_FILE
        driver.ask(Dropped, DropFile(name))
        driver.store.close()

    @pytest.mark.parametrize("ranges", [((0, 9000),), ((10, 5), (0, 1), (8000, 1000)), ((0, 0),)])
    def test_it_knows_what_somebody_says_who_has_the_file(self, ranges: Ranges) -> None:
        driver, content = self.new(), some_bytes(9000)
        name = driver.upload(1, content)
        nonce = b"n" * 32
        said = answer(nonce, ranges, (content[offset : offset + length] for offset, length in ranges))
        assert driver.ask(FileProved, ProveFile(name, nonce, ranges)).proof == said
        driver.store.close()

    def test_nothing_is_said_of_a_file_that_is_not_there(self) -> None:
        driver = self.new()
        failure = driver.failure(ProveFile(digest(b"no such"), b"n" * 32, ((0, 7),)))
        assert failure.code == ErrorCode.NO_SUCH_FILE
        driver.store.close()

    # -- orphans ----------------------------------------------------------------------------------------------

    def test_what_nobody_refers_to_is_collected_and_what_is_missing_is_told(self) -> None:
        driver = self.new()
        kept, orphan = driver.upload(1, some_bytes(1000, 1)), driver.upload(2, some_bytes(1000, 2))
        gone, short = digest(b"gone"), driver.upload(3, some_bytes(1000, 3))
        unfinished, given_up = some_bytes(3000, 4), some_bytes(3000, 5)
        for part, content in ((4, unfinished), (5, given_up)):
            driver.open(part, content)
            driver.write(part, content, 0, 2000)
        driver = self.new_again(driver)
        collected = driver.ask(Collected, Collect(frozenset({4, 77}), {kept: 1000, gone: 4, short: 1001}))
        assert collected.dropped == 2
        assert sorted(collected.missing) == sorted([gone, short])
        assert driver.failure(ReadFile(orphan, 0, 1)).code == ErrorCode.NO_SUCH_FILE
        assert len(driver.read(kept)) == 1000
        assert (driver.open(4, unfinished), driver.open(5, given_up)) == (2000, 0)
        driver.store.close()

    def test_what_is_being_uploaded_is_kept_where_it_is_there_and_missed_nowhere(self) -> None:
        driver = self.new()
        there, not_yet = driver.upload(1, some_bytes(1000)), digest(b"not yet")
        driver = self.new_again(driver)
        collected = driver.ask(Collected, Collect(frozenset({1}), {}, frozenset({there, not_yet})))
        assert (collected.dropped, collected.missing) == (0, ())
        assert len(driver.read(there)) == 1000
        driver.store.close()

    def test_after_a_collection_nothing_is_left_to_collect(self) -> None:
        driver, content = self.new(), some_bytes(3000)
        driver.upload(1, content)
        driver.open(2, content)
        driver.write(2, content, 0, 2000)
        driver = self.new_again(driver)
        assert driver.ask(Collected, Collect(frozenset(), {})).dropped == 2
        driver = self.new_again(driver)
        assert driver.ask(Collected, Collect(frozenset(), {})).dropped == 0
        driver.store.close()
