"""Repositories: names, owners, privacy, tokens."""

import httpx
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RepositoryNotFoundError

BAD_NAMES = ["..", "a..b", "a/b", "a%2Fb", "-a", "a.", ".a", "a--b", "ação", "x" * 97, "x" * 1000, "", "a b", "a\0"]
BAD_NAMES += ["r.git"]


def auth(api: HfApi) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.token}"}


def test_whoami_names_the_token_s_user(alice: HfApi, bob: HfApi):
    assert (alice.whoami()["name"], bob.whoami()["name"]) == ("alice", "bob")


def test_wrong_token_is_refused_everywhere(hub, model: str):
    stranger = HfApi(endpoint=hub.endpoint, token="token-of-nobody")
    for call in (stranger.whoami, lambda: stranger.model_info(model)):
        with pytest.raises(HfHubHTTPError) as error:
            call()
        assert error.value.response.status_code == 401
        assert error.value.response.headers["X-Error-Message"] == "Invalid credentials in Authorization header"


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_created_repository_has_the_initial_commit(alice: HfApi, kind: str):
    name = alice.create_repo("alice/fresh", repo_type=kind).repo_id
    assert [commit.title for commit in alice.list_repo_commits(name, repo_type=kind)] == ["initial commit"]
    assert alice.list_repo_files(name, repo_type=kind) == [".gitattributes"]
    alice.delete_repo(name, repo_type=kind)
    with pytest.raises(RepositoryNotFoundError):
        alice.repo_info(name, repo_type=kind)


def test_creating_twice_conflicts_and_exist_ok_returns_the_address(alice: HfApi, model: str, hub):
    with pytest.raises(HfHubHTTPError) as error:
        alice.create_repo(model)
    assert error.value.response.status_code == 409
    assert alice.create_repo(model, exist_ok=True) == f"{hub.endpoint}/{model}"


def test_model_and_dataset_of_one_name_are_two(alice: HfApi, model: str):
    alice.create_repo(model, repo_type="dataset")
    alice.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=model, repo_type="dataset")
    assert not alice.file_exists(model, "x.txt")


def test_deleting_what_is_not_there(alice: HfApi):
    alice.delete_repo("alice/never", missing_ok=True)
    with pytest.raises(RepositoryNotFoundError):
        alice.delete_repo("alice/never")


def test_space_is_refused(alice: HfApi):
    with pytest.raises(BadRequestError):
        alice.create_repo("alice/space", repo_type="space", space_sdk="static")


@pytest.mark.parametrize("name", BAD_NAMES)
def test_bad_name_is_refused_at_creation(alice: HfApi, hub, name: str):
    answer = httpx.post(f"{hub.endpoint}/api/repos/create", json={"name": name}, headers=auth(alice))
    assert answer.status_code == 400


@pytest.mark.parametrize("name", ["%2E%2E", "a%2Fb", "a%00", "a%C3%A7", "x" * 1000, "a%5Cb", "%ff"])
def test_bad_name_is_refused_in_an_address(hub, name: str):
    for path in (f"/api/models/alice/{name}", f"/api/models/alice/{name}/tree/main", f"/alice/{name}/resolve/main/x"):
        assert httpx.get(hub.endpoint + path).status_code == 400


def test_private_repository_looks_missing_to_others(secret: str, alice: HfApi, bob: HfApi, nobody: HfApi):
    assert alice.model_info(secret).private
    for api, status in ((nobody, 401), (bob, 404)):
        for call in (api.model_info, api.list_repo_commits, api.list_repo_refs, api.list_repo_files):
            with pytest.raises(RepositoryNotFoundError) as error:
                call(secret)
            assert error.value.response.status_code == status
        with pytest.raises(RepositoryNotFoundError):
            api.auth_check(secret)
    assert not bob.file_exists(secret, "w.bin")


def test_missing_repository_answers_like_a_private_one(hub, secret: str, alice: HfApi, bob: HfApi):
    for headers in ({}, auth(bob)):
        private = httpx.get(f"{hub.endpoint}/api/models/{secret}", headers=headers)
        missing = httpx.get(f"{hub.endpoint}/api/models/alice/never", headers=headers)
        assert (private.status_code, private.json()) == (missing.status_code, missing.json())


def test_writing_to_somebody_else_s_repository_is_forbidden(model: str, bob: HfApi, nobody: HfApi):
    calls = [
        lambda api: api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=model),
        lambda api: api.create_tag(model, tag="t"),
        lambda api: api.create_branch(model, branch="b"),
        lambda api: api.super_squash_history(model),
        lambda api: api.update_repo_settings(model, private=True),
        lambda api: api.delete_repo(model),
    ]
    for call in calls:
        with pytest.raises(HfHubHTTPError) as error:
            call(bob)
        assert error.value.response.status_code == 403
        with pytest.raises(HfHubHTTPError) as error:
            call(nobody)
        assert error.value.response.status_code == 401


def test_creating_in_somebody_else_s_namespace_is_forbidden(bob: HfApi):
    with pytest.raises(HfHubHTTPError) as error:
        bob.create_repo("alice/mine-now")
    assert error.value.response.status_code == 403


def test_visibility_can_be_changed(alice: HfApi, nobody: HfApi, secret: str):
    alice.update_repo_settings(secret, private=False)
    assert nobody.model_info(secret).private is False
    alice.update_repo_settings(secret, visibility="private")
    assert not nobody.repo_exists(secret)


def test_repository_can_be_renamed_within_its_namespace(alice: HfApi, model: str):
    alice.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=model)
    alice.move_repo(model, model + "-new")
    assert alice.file_exists(model + "-new", "x.txt")
    assert not alice.repo_exists(model)
    with pytest.raises(HfHubHTTPError):
        alice.move_repo(model + "-new", "bob/stolen")


def test_listing_shows_only_what_the_caller_may_see(alice: HfApi, bob: HfApi, model: str, secret: str):
    assert {model, secret} <= {info.id for info in alice.list_models(author="alice")}
    seen = {info.id for info in bob.list_models(author="alice")}
    assert model in seen and secret not in seen
    assert [info.id for info in alice.list_models(search=model.split("/")[1])] == [model]


def test_unknown_address_is_a_json_404(hub):
    for path in ("/", "/api/unknown", "/api/spaces/a/b", "/api/models/a/b/unknown/main", "/docs", "/openapi.json"):
        answer = httpx.get(hub.endpoint + path)
        assert answer.status_code == 404 and answer.json()["error"]


def test_card_with_broken_yaml_is_refused_before_the_upload(alice: HfApi, model: str):
    card = b"---\nlicense: [\n---\n# Hello\n"
    with pytest.raises(ValueError, match="Invalid metadata"):
        alice.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=model)


def test_info_carries_the_card_s_metadata(alice: HfApi, model: str):
    card = b"---\nlicense: mit\nlibrary_name: peft\ntags: [lora]\nday: 2025-01-31\nodd: .nan\n---\n# Hello\n"
    alice.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=model)
    info = alice.model_info(model)
    assert (info.card_data.license, info.library_name, info.tags) == ("mit", "peft", ["lora"])
    assert alice.model_info(model, expand=["sha"]).card_data is None


def test_yaml_bomb_in_a_card_costs_nothing(alice: HfApi, model: str):
    levels = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 12))
    card = f"---\na0: &a0 [x]\n{levels}\n---\n".encode()
    with pytest.raises(ValueError, match="longer than"):
        alice.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=model)
