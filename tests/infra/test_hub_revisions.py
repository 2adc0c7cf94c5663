"""Branches, tags, the list of commits, squashing."""

import httpx
import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RevisionNotFoundError

BAD_REFS = ["a..b", "a b", "-a", "a.lock", "a~1", "a^", "a:b", "0" * 40, "refs/heads/x", "x" * 300, "ação", "a/.b"]


def branches(api: HfApi, repo: str) -> dict[str, str]:
    return {ref.name: ref.target_commit for ref in api.list_repo_refs(repo).branches}


def tags(api: HfApi, repo: str) -> dict[str, str]:
    return {ref.name: ref.target_commit for ref in api.list_repo_refs(repo).tags}


def test_branches_with_slashes_part_and_stay_apart(alice: HfApi, model: str):
    alice.create_branch(model, branch="round/1")
    commit = alice.upload_file(path_or_fileobj=b"1", path_in_repo="n", repo_id=model, revision="round/1").oid
    assert branches(alice, model)["round/1"] == commit != branches(alice, model)["main"]
    assert alice.file_exists(model, "n", revision="round/1") and not alice.file_exists(model, "n")
    assert alice.model_info(model, revision="round/1").sha == commit
    alice.delete_branch(model, branch="round/1")
    assert list(branches(alice, model)) == ["main"]


def test_branch_starts_where_it_is_told(alice: HfApi, model: str):
    first = alice.model_info(model).sha
    alice.upload_file(path_or_fileobj=b"1", path_in_repo="n", repo_id=model)
    alice.create_branch(model, branch="old", revision=first)
    assert branches(alice, model)["old"] == first
    with pytest.raises(RevisionNotFoundError):
        alice.create_branch(model, branch="x", revision="nowhere")


def test_existing_branch_and_tag_conflict(alice: HfApi, model: str):
    alice.create_branch(model, branch="b")
    alice.create_tag(model, tag="t", tag_message="why")
    for call in (lambda: alice.create_branch(model, branch="b"), lambda: alice.create_tag(model, tag="t")):
        with pytest.raises(HfHubHTTPError) as error:
            call()
        assert error.value.response.status_code == 409
    alice.create_branch(model, branch="b", exist_ok=True)
    alice.create_tag(model, tag="t", exist_ok=True)


def test_tag_stays_when_the_branch_moves(alice: HfApi, model: str):
    commit = alice.upload_file(path_or_fileobj=b"1", path_in_repo="n", repo_id=model).oid
    alice.create_tag(model, tag="round-0001", revision="main")
    alice.upload_file(path_or_fileobj=b"2", path_in_repo="n", repo_id=model)
    assert tags(alice, model) == {"round-0001": commit}
    assert alice.model_info(model, revision="round-0001").sha == commit
    alice.delete_tag(model, tag="round-0001")
    assert tags(alice, model) == {}


def test_what_is_not_there_cannot_be_deleted(alice: HfApi, model: str):
    for call in (lambda: alice.delete_tag(model, tag="t"), lambda: alice.delete_branch(model, branch="b")):
        with pytest.raises(RevisionNotFoundError):
            call()


def test_main_cannot_be_deleted(alice: HfApi, model: str):
    with pytest.raises(HfHubHTTPError) as error:
        alice.delete_branch(model, branch="main")
    assert error.value.response.status_code == 403


@pytest.mark.parametrize("name", BAD_REFS, ids=range(len(BAD_REFS)))
def test_bad_ref_is_refused(alice: HfApi, model: str, name: str):
    with pytest.raises(BadRequestError):
        alice.create_branch(model, branch=name)
    with pytest.raises(BadRequestError):
        alice.create_tag(model, tag=name)


@pytest.mark.parametrize("revision", ["nowhere", "0" * 40, "abcdef1", "main/x", "\n", "é"])
def test_unknown_revision(alice: HfApi, model: str, revision: str):
    calls = (alice.model_info, alice.list_repo_commits, lambda *a, **k: list(alice.list_repo_tree(*a, **k)))
    for call in calls:
        with pytest.raises(RevisionNotFoundError):
            call(model, revision=revision)


def test_commits_come_newest_first_and_in_pages(alice: HfApi, model: str):
    for i in range(52):
        operation = CommitOperationAdd("n.txt", b"%d" % i)
        operation._upload_mode = "regular"
        alice.create_commit(model, [operation], commit_message=f"commit {i}")
    titles = [commit.title for commit in alice.list_repo_commits(model, formatted=True)]
    assert titles == [f"commit {i}" for i in reversed(range(52))] + ["initial commit"]
    page = httpx.get(f"{alice.endpoint}/api/models/{model}/commits/main")
    assert len(page.json()) == 50 and page.links["next"]


def test_squash_keeps_the_files_and_one_commit(alice: HfApi, model: str):
    for i in range(3):
        alice.upload_file(path_or_fileobj=b"\0%d" % i, path_in_repo=f"{i}.bin", repo_id=model)
    alice.create_tag(model, tag="before")
    alice.super_squash_history(model, commit_message="squashed")
    assert [commit.title for commit in alice.list_repo_commits(model)] == ["squashed"]
    assert len(alice.list_repo_files(model)) == 4
    assert len(alice.list_repo_commits(model, revision="before")) == 4
    with pytest.raises(RevisionNotFoundError):
        alice.super_squash_history(model, branch="nowhere")


def test_asking_for_pull_requests_finds_none(alice: HfApi, model: str):
    assert alice.list_repo_refs(model, include_pull_requests=True).pull_requests == []
