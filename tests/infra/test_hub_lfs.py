"""Large contents: verified on arrival, sent only once, and kept apart between repositories."""

import hashlib

import httpx
import pytest
from huggingface_hub import HfApi

CONTENT = b"\0large" * 100_000
OID = hashlib.sha256(CONTENT).hexdigest()


def batch(api: HfApi, repo: str, oid: str = OID, size: int = len(CONTENT)) -> httpx.Response:
    return httpx.post(
        f"{api.endpoint}/{repo}.git/info/lfs/objects/batch",
        json={"operation": "upload", "transfers": ["basic"], "objects": [{"oid": oid, "size": size}]},
        headers={"Authorization": f"Bearer {api.token}", "Content-Type": "application/vnd.git-lfs+json"},
    )


def upload_address(api: HfApi, repo: str, **wanted) -> str:
    return batch(api, repo, **wanted).json()["objects"][0]["actions"]["upload"]["href"]


def commit_lfs(api: HfApi, repo: str, oid: str = OID, size: int = len(CONTENT)) -> int:
    body = '{"key":"header","value":{"summary":"s"}}\n{"key":"lfsFile","value":{"path":"x","algo":"sha256",'
    body += f'"oid":"{oid}","size":{size}}}}}'
    headers = {"Authorization": f"Bearer {api.token}"}
    return httpx.post(
        f"{api.endpoint}/api/models/{repo}/commit/main", content=body.encode(), headers=headers
    ).status_code


def test_upload_needs_no_token_and_is_asked_for_once(alice: HfApi, model: str):
    assert httpx.put(upload_address(alice, model), content=CONTENT).status_code == 200
    assert "actions" not in batch(alice, model).json()["objects"][0]
    assert commit_lfs(alice, model) == 200


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"X", CONTENT[:-1], CONTENT + b"X", b""])
def test_content_that_is_not_its_oid_is_refused(alice: HfApi, model: str, hub, content: bytes):
    assert httpx.put(upload_address(alice, model), content=content).status_code == 400
    assert commit_lfs(alice, model) == 400
    assert not list((hub.root / "tmp").iterdir())


def test_commit_checks_the_size(alice: HfApi, model: str):
    httpx.put(upload_address(alice, model), content=CONTENT)
    assert commit_lfs(alice, model, size=1) == 400


def test_forged_address_is_refused(alice: HfApi, model: str):
    address = upload_address(alice, model)
    forgeries = [
        address[:-1] + ("0" if address[-1] != "0" else "1"),
        address.replace(OID, "0" * 64),
        address.replace("expires=1", "expires=2"),
        address.replace(f"size={len(CONTENT)}", "size=1"),
        address.split("?")[0] + "?size=1&expires=99999999999&signature=x",
    ]
    assert [httpx.put(forgery, content=CONTENT).status_code for forgery in forgeries] == [403] * 5


def test_verify_knows_what_arrived(alice: HfApi, model: str):
    action = batch(alice, model).json()["objects"][0]["actions"]
    headers = {"Authorization": f"Bearer {alice.token}"}

    def verify() -> int:
        answer = httpx.post(action["verify"]["href"], json={"oid": OID, "size": len(CONTENT)}, headers=headers)
        return answer.status_code

    assert verify() == 404
    httpx.put(action["upload"]["href"], content=CONTENT)
    assert verify() == 200


def test_knowing_a_sha256_does_not_give_the_content(alice: HfApi, bob: HfApi, secret: str):
    oid = alice.get_paths_info(secret, "w.bin")[0].lfs.sha256
    own = bob.create_repo("bob/thief", exist_ok=True).repo_id
    size = len(b"\0secret weights")
    assert "actions" in batch(bob, own, oid=oid, size=size).json()["objects"][0]
    assert commit_lfs(bob, own, oid=oid, size=size) == 400


def test_batch_needs_the_right_to_write(alice: HfApi, bob: HfApi, model: str, secret: str):
    assert batch(bob, model).status_code == 403
    assert batch(bob, secret).status_code == 404
    assert batch(alice, model, oid="x").status_code == 400
    assert batch(alice, model, size=-1).status_code == 400


def test_upload_to_a_deleted_repository(alice: HfApi, model: str):
    address = upload_address(alice, model)
    alice.delete_repo(model)
    assert httpx.put(address, content=CONTENT).status_code == 404
