import hashlib
import re
import secrets

import pytest

from golive.security.keys import Authorizer, is_loopback, make_key


def test_a_new_key_has_256_random_bits_and_only_its_hash_is_to_be_kept():
    key = make_key(secrets.token_bytes)
    assert re.fullmatch(rf"gl_{key.id}_[A-Za-z0-9_-]{{43}}", key.secret)
    assert key.hash == hashlib.sha256(key.secret.encode()).digest()
    assert make_key(secrets.token_bytes).secret != key.secret


@pytest.fixture(scope="module")
def key():
    # A secret part that itself holds underscores must not confuse the reading of the id.
    return make_key(lambda size: b"\xff" * size)


@pytest.mark.parametrize("prefix", [b"Bearer ", b"bearer ", b"BEARER  "])
def test_a_valid_key_is_accepted_as_bearer(key, prefix):
    assert Authorizer({key.id: key.hash})(prefix + key.secret.encode(), None)


def test_a_valid_key_is_accepted_as_api_key_header(key):
    authorize = Authorizer({key.id: key.hash})
    assert authorize(None, key.secret.encode())
    assert authorize(b"Bearer wrong", key.secret.encode())


def test_anything_else_is_denied(key):
    authorize = Authorizer({key.id: key.hash})
    other = make_key(secrets.token_bytes)
    secret = key.secret.encode()
    for wrong in (
        None,
        b"",
        b"gl_",
        b"gl__",
        secret[:-1],
        secret + b"x",
        secret.upper(),
        other.secret.encode(),
        key.hash,
    ):
        assert not authorize(None, wrong)
        assert not authorize(b"Bearer " + wrong if wrong is not None else None, None)
    assert not authorize(secret, None)
    assert not authorize(b"Basic " + secret, None)
    assert not authorize(b"\xff\xfe", b"\xff\xfe")


def test_the_id_of_one_key_with_the_secret_of_another_is_denied(key):
    other = make_key(secrets.token_bytes)
    mixed = f"gl_{key.id}_{other.secret.split('_', 2)[2]}"
    assert not Authorizer({key.id: key.hash, other.id: other.hash})(None, mixed.encode())


def test_without_any_key_nothing_is_accepted():
    assert not Authorizer({})(b"Bearer ", b"")


def test_a_secret_from_the_environment_is_accepted_too(key):
    authorize = Authorizer({key.id: key.hash}, "from the environment")
    assert authorize(b"Bearer from the environment", None)
    assert authorize(None, key.secret.encode())
    assert not authorize(None, b"from the environmen")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("", False),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("example.com", False),
    ],
)
def test_loopback_hosts_are_told_from_others(host, loopback):
    assert is_loopback(host) is loopback
