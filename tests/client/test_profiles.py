"""What is known of servers and accounts, and the file in which it is kept."""

import errno
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatnet.address import Address, parse
from chatnet.client import profiles
from chatnet.client.profiles import Book, KnownServer, Profile, change_book, check_writing, free_name, load_book
from chatnet.errors import ConfigError, ErrorCode
from chatnet.net.pins import show_pin
from chatnet.net.trust import ByAuthority, Pinned

PIN, OTHER_PIN = show_pin(b"\x01" * 32), show_pin(b"\x02" * 32)
HERE, THERE = parse("chatnet://192.168.1.20:5555"), parse("chatnet://chat.example.org:5555")
OPS = KnownServer((str(HERE),), PIN, "0a" * 16)
ALICE = Profile("alice", OPS.id, "Alice", "ab" * 16, "chatnet-token")
BOB = Profile("bob", OPS.id, "bob", "cd" * 16, "chatnet-token")
BOOK = Book().with_server(OPS).with_profile(ALICE).with_profile(BOB)

posix_only = pytest.mark.skipif(not hasattr(os, "getuid"), reason="no file modes")


# -- what is known --------------------------------------------------------------------------------------------


def test_the_first_profile_is_the_default_and_another_follows_it() -> None:
    assert BOOK.default == "alice"
    assert BOOK.without_profile("ALICE").default == "bob"
    assert BOOK.without_profile("alice").without_profile("bob").default == ""
    assert BOOK.without_profile("bob").default == "alice"


def test_a_profile_is_found_by_the_user_at_its_server() -> None:
    assert BOOK.server_at(HERE) == OPS
    assert BOOK.profile_at(OPS) == ALICE
    assert BOOK.profile_at(OPS, "BOB") == BOB
    assert BOOK.profile_at(OPS, "carol") is None
    assert BOOK.profile_at(KnownServer((str(THERE),), PIN)) is None


def test_a_server_that_is_met_at_another_address_keeps_the_one_before() -> None:
    moved = BOOK.with_server(KnownServer((str(THERE),), PIN, OPS.id))
    assert moved.server_of(ALICE).addresses == (str(THERE), str(HERE))
    assert len(moved.servers) == 1


def test_an_address_belongs_to_the_server_that_was_met_there_last() -> None:
    new = KnownServer((str(HERE),), OTHER_PIN, "0b" * 16)
    book = BOOK.with_server(new)
    assert book.server_at(HERE) == new
    assert book.server_of(ALICE).addresses == ()


def test_another_key_is_another_server_whose_address_no_profile_uses() -> None:
    book = BOOK.with_pin(HERE, b"\x02" * 32)
    known = book.server_at(HERE)
    assert known is not None
    assert known.trust == Pinned(b"\x02" * 32)
    assert book.profile_at(known) is None
    assert book.server_of(ALICE).pin == PIN


def test_a_renewed_key_is_that_of_the_same_server() -> None:
    book = BOOK.with_pin(HERE, b"\x02" * 32, is_renewed=True)
    assert book.server_of(ALICE) == KnownServer((str(HERE),), OTHER_PIN, OPS.id)
    assert BOOK.with_pin(HERE, b"\x01" * 32) == BOOK


def test_what_was_trusted_by_hand_is_replaced_by_what_was_proven() -> None:
    book = Book().with_pin(HERE, b"\x01" * 32).with_server(OPS)
    assert book.servers == (OPS,)


def test_a_forgotten_address_leaves_the_profiles_their_server() -> None:
    assert BOOK.without_server(HERE).server_of(ALICE).addresses == ()
    assert Book().with_pin(HERE, b"\x01" * 32).without_server(HERE) == Book()
    assert Book().without_server(HERE) == Book()


def test_a_server_without_a_pin_is_vouched_for_by_an_authority() -> None:
    assert KnownServer((str(THERE),)).trust == ByAuthority()


def test_a_free_name_is_found_however_many_are_taken() -> None:
    book = BOOK
    names = []
    for _ in range(4):
        names.append(free_name(book, "alice", HERE))
        book = book.with_profile(Profile(names[-1], OPS.id, "alice", "", ""))
    assert names == ["alice@192.168.1.20", "alice@192.168.1.20-2", "alice@192.168.1.20-3", "alice@192.168.1.20-4"]


ADDRESSES = st.sampled_from([HERE, THERE, parse("chatnet://localhost:5555")])
IDS = st.sampled_from(["", "0a" * 16, "0b" * 16])
PINS = st.sampled_from([b"\x01" * 32, b"\x02" * 32])
CHANGES = st.one_of(
    st.builds(lambda a, p, i: lambda b: b.with_server(KnownServer((str(a),), show_pin(p), i)), ADDRESSES, PINS, IDS),
    st.builds(lambda a, p, r: lambda b: b.with_pin(a, p, is_renewed=r), ADDRESSES, PINS, st.booleans()),
    st.builds(lambda a: lambda b: b.without_server(a), ADDRESSES),
    st.builds(lambda n: lambda b: b.without_profile(n), st.sampled_from(["p0", "p1"])),
    st.builds(
        lambda n: (
            lambda b: (
                b.with_profile(Profile(n, ids[0], "u", "00", "t")) if (ids := [s.id for s in b.servers if s.id]) else b
            )
        ),
        st.sampled_from(["p0", "p1", "P1"]),
    ),
)


@given(st.lists(CHANGES, max_size=12))
def test_whatever_happens_each_address_has_one_server_and_each_profile_its_own(changes: list) -> None:  # type: ignore[type-arg]
    book = Book()
    for change in changes:
        book = change(book)
        urls = [url for server in book.servers for url in server.addresses]
        assert len(urls) == len(set(urls))
        assert all(book.server_of(profile).id == profile.server for profile in book.profiles)
        assert bool(book.default) == bool(book.profiles)
        assert not book.default or book.profile(book.default) is not None
        assert all(server.addresses or server.id for server in book.servers)


# -- the file -------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "profiles"


def file(folder: Path) -> Path:
    return folder / "profiles.json"


def test_without_a_file_nothing_is_known(folder: Path) -> None:
    assert load_book(folder) == Book()
    assert not folder.exists()


def test_what_was_written_is_read_again(folder: Path) -> None:
    assert change_book(lambda _: BOOK, folder) == BOOK
    assert load_book(folder) == BOOK


@posix_only
def test_nobody_else_can_read_it(folder: Path) -> None:
    old = os.umask(0)
    try:
        change_book(lambda _: BOOK, folder)
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file(folder).stat().st_mode) == 0o600


@posix_only
def test_a_file_that_others_can_read_is_not_used(folder: Path) -> None:
    change_book(lambda _: BOOK, folder)
    file(folder).chmod(0o640)
    with pytest.raises(ConfigError, match="chmod 600"):
        load_book(folder)


def test_a_change_that_changes_nothing_writes_nothing(folder: Path) -> None:
    change_book(lambda book: book, folder)
    assert not file(folder).exists()


def test_a_change_that_fails_leaves_everything_as_it_was(folder: Path) -> None:
    change_book(lambda _: BOOK, folder)

    def fail(book: Book) -> Book:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        change_book(fail, folder)
    assert change_book(lambda book: book.without_profile("bob"), folder).profiles == (ALICE,)
    assert sorted(path.name for path in folder.iterdir()) == ["lock", "profiles.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"version": 1, "profiles": 7}',
        b'{"version": 1, "default": "alice"}',
        b'{"version": 1, "servers": [{"addresses": ["nonsense"]}]}',
        b'{"version": 1, "servers": [{"addresses": [], "pin": "sha256:zz"}]}',
        b'{"version": 1, "servers": [{"addresses": [], "id": "xyz"}]}',
        b'{"version": 1, "profiles": [{"name": "a", "server": "0a", "user": "a", "key": "", "token": "secret"}]}',
        b"\xff\xfe",
    ],
)
def test_a_damaged_file_is_named_and_left_alone(folder: Path, content: bytes) -> None:
    change_book(lambda _: BOOK, folder)
    file(folder).write_bytes(content)
    uses: list[Callable[[], Book]] = [lambda: load_book(folder), lambda: change_book(lambda _: BOOK, folder)]
    for use in uses:
        with pytest.raises(ConfigError) as refused:
            use()
        assert refused.value.code == ErrorCode.BAD_OPTION
        assert str(file(folder)) in refused.value.message
        assert "damaged" in refused.value.message
        assert "secret" not in refused.value.message
    assert file(folder).read_bytes() == content


def test_a_file_of_a_newer_version_is_left_alone(folder: Path) -> None:
    change_book(lambda _: BOOK, folder)
    file(folder).write_bytes(b'{"version": 2, "profiles": "in another way"}')
    with pytest.raises(ConfigError, match="newer chatnet"):
        change_book(lambda _: BOOK, folder)


def test_a_place_where_nothing_can_be_kept_is_named(tmp_path: Path) -> None:
    (tmp_path / "profiles").write_bytes(b"a file in the way")
    with pytest.raises(ConfigError, match="profiles cannot be kept"):
        change_book(lambda _: BOOK, tmp_path / "profiles")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_book(tmp_path / "profiles")


def test_whether_there_is_room_for_one_more_is_found_out_by_writing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change_book(lambda _: BOOK, folder)
    before = sorted(folder.iterdir())
    check_writing(folder)
    assert (sorted(folder.iterdir()), load_book(folder)) == (before, BOOK)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ConfigError, match=r"cannot be kept in .*profiles.json: no space left") as caught:
        check_writing(folder)
    assert caught.value.code == ErrorCode.BAD_OPTION
    assert sorted(folder.iterdir()) == before


def test_a_file_that_cannot_be_understood_is_found_before_there_is_something_to_lose(folder: Path) -> None:
    change_book(lambda _: BOOK, folder)
    path = folder / "profiles.json"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ConfigError, match="is damaged"):
        check_writing(folder)


def test_a_process_that_holds_the_file_for_ever_is_not_waited_for(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiles, "_PATIENCE", 0.05)
    with pytest.raises(ConfigError, match="cannot be kept"):
        change_book(lambda _: change_book(lambda book: book, folder), folder)


def test_of_processes_that_write_at_once_each_finds_what_the_others_wrote(folder: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from chatnet.client.profiles import Book, Profile, change_book\n"
        "for n in range(10):\n"
        "    profile = Profile(f'{sys.argv[2]}-{n}', '0a' * 16, 'u', '00', 't')\n"
        "    change_book(lambda book: book.with_profile(profile), Path(sys.argv[1]))\n"
    )
    change_book(lambda _: Book().with_server(OPS), folder)
    writers = [subprocess.Popen([sys.executable, "-c", code, str(folder), name]) for name in "abc"]
    while any(writer.poll() is None for writer in writers):
        load_book(folder)  # never half of it
    assert [writer.returncode for writer in writers] == [0, 0, 0]
    assert {profile.name for profile in load_book(folder).profiles} == {f"{w}-{n}" for w in "abc" for n in range(10)}


def test_a_token_does_not_show_where_a_profile_does() -> None:
    assert "chatnet-token" not in repr(BOOK)


def test_addresses_are_kept_as_urls() -> None:
    assert [parse(url) for url in OPS.addresses] == [Address("chatnet", "192.168.1.20", 5555)]
