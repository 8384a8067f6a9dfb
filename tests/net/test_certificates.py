"""A server's certificates: made, kept, renewed, read again."""

import logging
import os
import shutil
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chatnet.errors import ConfigError, ErrorCode
from chatnet.net.certificates import (
    CERTIFICATE_NAME,
    KEY_NAME,
    LIFE,
    RENEW_BEFORE,
    given_certificates,
    own_certificates,
)
from chatnet.net.pins import show_pin

DAY = 86400.0
NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def certificate(folder: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / CERTIFICATE_NAME).read_bytes())


# -- its own --------------------------------------------------------------------------------------------------


def test_the_first_start_makes_a_private_key_and_a_certificate(tmp_path: Path) -> None:
    own_certificates(tmp_path)
    assert set(files(tmp_path)) == {KEY_NAME, CERTIFICATE_NAME}
    key = serialization.load_pem_private_key((tmp_path / KEY_NAME).read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert certificate(tmp_path).public_key() == key.public_key()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_its_files_are_for_nobody_else_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        own_certificates(tmp_path)
    finally:
        os.umask(before)
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_the_next_start_finds_them_and_changes_nothing(tmp_path: Path) -> None:
    first = own_certificates(tmp_path).current
    made = files(tmp_path)
    second = own_certificates(tmp_path).current
    assert files(tmp_path) == made
    assert (second.pin, second.channel_binding) == (first.pin, first.channel_binding)


def test_a_start_that_finds_them_does_not_load_the_cryptography_package(tmp_path: Path) -> None:
    own_certificates(tmp_path)
    program = """
import sys
from pathlib import Path
from chatnet.net.certificates import own_certificates
own_certificates(Path(sys.argv[1]))
assert "cryptography" not in sys.modules
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def test_the_certificate_is_renewed_for_the_same_key_in_time(tmp_path: Path) -> None:
    first = own_certificates(tmp_path, lambda: NOW).current
    assert (LIFE - RENEW_BEFORE).days == 60
    made = files(tmp_path)
    own_certificates(tmp_path, lambda: NOW + 58 * DAY)
    assert files(tmp_path) == made
    renewed = own_certificates(tmp_path, lambda: NOW + 60 * DAY).current
    assert files(tmp_path)[KEY_NAME] == made[KEY_NAME]
    assert renewed.pin == first.pin
    assert renewed.channel_binding != first.channel_binding
    assert certificate(tmp_path).not_valid_after_utc.timestamp() > NOW + 140 * DAY


def test_a_certificate_lives_as_long_as_is_good_for_one_and_tolerates_clocks(tmp_path: Path) -> None:
    own_certificates(tmp_path, lambda: NOW)
    made = certificate(tmp_path)
    assert made.not_valid_after_utc - made.not_valid_before_utc == LIFE
    assert made.not_valid_before_utc.timestamp() == NOW - DAY


@pytest.mark.parametrize("damage", [None, b"", b"garbage", b"\xff\xfe"], ids=["lost", "empty", "garbage", "no text"])
def test_a_damaged_certificate_is_made_again_for_the_same_key(tmp_path: Path, damage: bytes | None) -> None:
    first = own_certificates(tmp_path).current
    path = tmp_path / CERTIFICATE_NAME
    if damage is None:
        path.unlink()
    else:
        path.write_bytes(damage)
    assert own_certificates(tmp_path).current.pin == first.pin


def test_half_a_file_of_a_start_that_was_killed_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / f"{KEY_NAME}.new").write_bytes(b"-----BEGIN PRIV")
    own_certificates(tmp_path)
    assert set(files(tmp_path)) == {KEY_NAME, CERTIFICATE_NAME}


def test_a_key_that_was_removed_is_made_anew_with_its_certificate(tmp_path: Path) -> None:
    first = own_certificates(tmp_path).current
    (tmp_path / KEY_NAME).unlink()
    assert own_certificates(tmp_path).current.pin != first.pin


def test_a_damaged_key_is_not_replaced_since_clients_know_it(tmp_path: Path) -> None:
    own_certificates(tmp_path)
    (tmp_path / KEY_NAME).write_bytes(b"garbage")
    for _ in range(2):
        with pytest.raises(ConfigError, match=KEY_NAME) as refused:
            own_certificates(tmp_path)
        assert refused.value.code == ErrorCode.DATA_UNUSABLE
    assert files(tmp_path)[KEY_NAME] == b"garbage"


@pytest.mark.skipif(hasattr(ssl.SSLContext, "set_groups"), reason="this Python can name several groups")
def test_a_python_that_cannot_name_the_group_serves_with_those_that_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: ssl.SSLContext, __: str) -> None:
        raise ssl.SSLError("[EC: UNKNOWN_GROUP] unknown group")

    monkeypatch.setattr(ssl.SSLContext, "set_ecdh_curve", refuse)
    assert own_certificates(tmp_path).current.context.minimum_version is ssl.TLSVersion.TLSv1_3


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file or directory"):
        own_certificates(tmp_path / "nowhere")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl command")
def test_the_pin_is_what_openssl_prints(tmp_path: Path) -> None:
    pin = own_certificates(tmp_path).current.pin
    command = (
        f"openssl x509 -pubkey -noout <{tmp_path / CERTIFICATE_NAME} | openssl pkey -pubin -outform der | sha256sum"
    )
    printed = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=30, check=True).stdout
    assert printed.split()[0] == show_pin(pin).removeprefix("sha256:").replace("-", "")


# -- given ones -----------------------------------------------------------------------------------------------


@pytest.fixture
def given_folder(tmp_path: Path) -> Path:
    """Has a key and a certificate with another one behind it, as an authority gives out."""
    other = tmp_path / "other"
    other.mkdir()
    own_certificates(other)
    own_certificates(tmp_path)
    with (tmp_path / CERTIFICATE_NAME).open("ab") as chain:
        chain.write((other / CERTIFICATE_NAME).read_bytes())
    return tmp_path


def test_of_a_chain_the_first_certificate_is_the_servers(given_folder: Path) -> None:
    found = given_certificates(given_folder / CERTIFICATE_NAME, given_folder / KEY_NAME).current
    assert found.pin == own_certificates(given_folder).current.pin
    assert found.pin != own_certificates(given_folder / "other").current.pin


@pytest.mark.parametrize(
    ("chain", "key", "words"),
    [
        ("nowhere.pem", KEY_NAME, "nowhere.pem for TLS: no such file"),
        (CERTIFICATE_NAME, "nowhere.pem", "nowhere.pem for TLS: no such file"),
        (CERTIFICATE_NAME, f"other/{KEY_NAME}", "it is not the key of that certificate"),
        (KEY_NAME, KEY_NAME, "there is no certificate in it"),
        (CERTIFICATE_NAME, CERTIFICATE_NAME, "it is not what it should be"),
        ("binary", KEY_NAME, "it is no PEM file"),
        ("hollow", KEY_NAME, "hollow for TLS"),
    ],
)
def test_files_that_cannot_be_used_are_refused_with_the_reason(
    given_folder: Path, chain: str, key: str, words: str
) -> None:
    (given_folder / "binary").write_bytes(b"\xff\xfe")
    (given_folder / "hollow").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(ConfigError, match=words) as refused:
        given_certificates(given_folder / chain, given_folder / key)
    assert refused.value.code == ErrorCode.BAD_OPTION
    assert "\n" not in refused.value.message


def test_an_encrypted_key_is_refused_without_asking_anybody(given_folder: Path) -> None:
    key = serialization.load_pem_private_key((given_folder / KEY_NAME).read_bytes(), None)
    encrypted = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    (given_folder / "encrypted.pem").write_bytes(encrypted)
    with pytest.raises(ConfigError, match="without a password"):
        given_certificates(given_folder / CERTIFICATE_NAME, given_folder / "encrypted.pem")


def test_files_that_change_while_they_are_read_are_not_used(
    given_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key and the pin would be those of two certificates."""
    chain, key = given_folder / CERTIFICATE_NAME, given_folder / KEY_NAME
    load = ssl.SSLContext.load_cert_chain

    def load_late(context: ssl.SSLContext, chain: Path, key: Path, password: Callable[[], bytes]) -> None:
        for name in (CERTIFICATE_NAME, KEY_NAME):
            (given_folder / name).write_bytes((given_folder / "other" / name).read_bytes())
        load(context, chain, key, password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", load_late)
    with pytest.raises(ConfigError, match="it was changed while it was read"):
        given_certificates(chain, key)


def test_new_files_are_used_from_the_reload_on(given_folder: Path) -> None:
    certificates = given_certificates(given_folder / CERTIFICATE_NAME, given_folder / KEY_NAME)
    before = certificates.current
    other = own_certificates(given_folder / "other").current
    for name in (CERTIFICATE_NAME, KEY_NAME):
        (given_folder / name).write_bytes((given_folder / "other" / name).read_bytes())
    assert certificates.current is before
    assert certificates.reload()
    assert certificates.current.pin == other.pin
    assert certificates.current.context is not before.context


def test_a_broken_new_file_leaves_the_old_and_is_logged_in_one_line(
    given_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    certificates = given_certificates(given_folder / CERTIFICATE_NAME, given_folder / KEY_NAME)
    before = certificates.current
    (given_folder / CERTIFICATE_NAME).write_text("half a fi")
    with caplog.at_level(logging.INFO):
        assert not certificates.reload()
    assert certificates.current is before
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith("the certificate stays as it is: cannot use ")
    assert line.endswith("there is no certificate in it")
