"""Requests nobody should send: no answer is a server error, and nothing appears outside of the root."""

import base64
import http.client
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FUZZ = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
REPO = "alice/fuzz"
CALLS = ["tag/main", "branch/b", "preupload/main", "paths-info/main", "super-squash/main"]
INSIDE = re.compile(r"lock|signing\.key|hub\.sqlite(-wal|-shm)?|tmp|blobs(/[0-9a-f]{2}(/[0-9a-f]{62})?)?")

words = st.sampled_from(
    [
        *(
            "api",
            "models",
            "datasets",
            "spaces",
            "alice",
            "bob",
            "fuzz",
            "secret",
            "main",
            "tree",
            "resolve",
            "commits",
        ),
        *("refs", "tag", "branch", "revision", "paths-info", "super-squash", "repos", "create", "delete", "lfs", "1"),
        *("fuzz.git", "info", "objects", "batch", "verify", "..", ".", "", "%2e%2e", "%2F", "%00", "%ff", "%", "a%2Fb"),
        *(
            "%5c..%5c",
            "x" * 2000,
            "%F0%9F%A6%99",
            "README.md",
            ".git",
            "whoami-v2",
            "settings",
            "auth-check",
            "{}",
            "~",
        ),
    ]
)
targets = st.lists(words, max_size=8).map(lambda parts: "/" + "/".join(parts))
queries = st.sampled_from(
    [
        "",
        "?cursor=-1",
        "?limit=0",
        "?limit=99999999999999999999",
        "?recursive=maybe",
        "?expand=%ff",
        "?a&b=&&=",
        "?limit=x",
    ]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.sampled_from(
    [
        "name",
        "organization",
        "type",
        "private",
        "tag",
        "startingPoint",
        "files",
        "objects",
        "paths",
        "message",
        "content",
    ]
)
bodies = st.one_of(
    st.binary(max_size=200),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.dictionaries(fields, json_values, max_size=6).map(lambda value: json.dumps(value).encode()),
    st.sampled_from([b"[" * 50_000, b'"\\ud800"', b"1" * 5000, b"paths=%ff&paths=\xff", b"{}"]),
)
paths = st.sampled_from(
    ["a", "a/b", "../x", "/x", "", ".", "a\\b", ".git/x", "\ud800", "\0", "é", "a/" * 300, "README.md"]
)
operations = st.fixed_dictionaries(
    {"key": st.sampled_from(["file", "lfsFile", "deletedFile", "deletedFolder", "copyFile", "header", "other"])},
    optional={
        "value": st.one_of(
            json_values,
            st.fixed_dictionaries(
                {"path": paths | json_values},
                optional={
                    "content": st.binary(max_size=20).map(lambda b: base64.b64encode(b).decode()) | json_values,
                    "encoding": st.sampled_from(["base64", "utf-8", "x", None, 5]),
                    "oid": st.sampled_from(["0" * 64, "../../x", "", "A" * 64]) | json_values,
                    "size": json_values,
                    "algo": st.sampled_from(["sha256", "md5", None]),
                    "srcPath": paths,
                    "srcRevision": st.sampled_from(["main", "nowhere", None, "\ud800"]) | json_values,
                },
            ),
        )
    },
)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator:
    """A server of its own, whose folder is looked through at the end."""
    server = type(request.getfixturevalue("hub"))(tmp_path_factory.mktemp("fuzz"))
    server.api("alice").create_repo(REPO)
    server.api("alice").create_repo("alice/secret", private=True)
    yield server
    assert server.process.poll() is None
    server.stop()
    assert sorted(path.name for path in server.folder.iterdir()) == ["root", "server.log"]
    names = [str(path.relative_to(server.root)) for path in server.root.rglob("*")]
    assert [name for name in names if not INSIDE.fullmatch(name)] == []
    assert Path(server.log.name).read_text() == ""


def send(server, method: str, target: str, body: bytes, headers: dict[str, str]) -> int:
    """One request, its target and headers sent as they are."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in {"Host": "127.0.0.1", "Content-Length": str(len(body)), **headers}.items():
            connection.putheader(name, value)
        connection.endheaders(body)
        return connection.getresponse().status
    finally:
        connection.close()


@FUZZ
@given(st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]), targets, queries, bodies)
def test_any_address(fuzzed, method: str, target: str, query: str, body: bytes):
    headers = {"Content-Type": "application/json"}
    if "repos/delete" not in target and "super-squash" not in target:
        headers["Authorization"] = "Bearer token-of-alice"
    assert send(fuzzed, method, target + query, body, headers) < 500


@FUZZ
@given(
    st.sampled_from(["repos/create", "repos/move", "validate-yaml", *(f"models/{REPO}/{call}" for call in CALLS)]),
    bodies,
    st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", ""]),
)
def test_any_body(fuzzed, call: str, body: bytes, content_type: str):
    headers = {"Authorization": "Bearer token-of-alice", "Content-Type": content_type}
    assert send(fuzzed, "POST", f"/api/{call}", body, headers) < 500


@FUZZ
@given(st.lists(operations, max_size=4), st.booleans(), json_values)
def test_any_commit(fuzzed, lines: list[dict], with_header: bool, parent: object):
    header = {"key": "header", "value": {"summary": "fuzz", "parentCommit": parent if with_header else None}}
    body = b"\n".join(json.dumps(line).encode() for line in [header, *lines])
    headers = {"Authorization": "Bearer token-of-alice"}
    assert send(fuzzed, "POST", f"/api/models/{REPO}/commit/main", body, headers) < 500


@FUZZ
@given(st.binary(max_size=400))
def test_any_commit_body(fuzzed, body: bytes):
    headers = {"Authorization": "Bearer token-of-alice"}
    assert 400 <= send(fuzzed, "POST", f"/api/models/{REPO}/commit/main", body, headers) < 500


@FUZZ
@given(
    st.sampled_from(["Authorization", "Range", "If-None-Match", "If-Range", "Host", "X-Forwarded-Host", "Accept"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=60)
    | st.sampled_from(["bytes=-", "bytes=5-2", "bytes=0-0,5-9", "bytes=" + "9" * 5000 + "-", "Bearer ", "lines=1-2"]),
)
def test_any_header(fuzzed, name: str, value: str):
    for target in (f"/{REPO}/resolve/main/.gitattributes", f"/api/models/{REPO}/tree/main?limit=1"):
        assert send(fuzzed, "GET", target, b"", {name: value.strip()}) < 500
