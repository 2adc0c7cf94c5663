"""Who the caller is, and the check of a card's metadata before it is uploaded."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from infra.hub.cards import MAX_CARD, CardError, read_metadata
from infra.hub.dependencies import CurrentUser
from infra.hub.errors import unauthorized

router = APIRouter()


class Card(BaseModel):
    """A README.md."""

    content: str = Field(max_length=MAX_CARD)


@router.get("/api/whoami-v2")
def whoami(user: CurrentUser) -> dict[str, Any]:
    if user is None:
        raise unauthorized("Invalid username or password.")
    token = {"displayName": "roundhouse", "role": "write"}
    return {
        "type": "user",
        "id": user,
        "name": user,
        "fullname": user,
        "isPro": False,
        "orgs": [],
        "auth": {"type": "access_token", "accessToken": token},
    }


@router.post("/api/validate-yaml")
def validate_yaml(card: Card) -> JSONResponse:
    """Errors where the YAML at the top of a card cannot be read, a warning where there is none."""
    try:
        metadata = read_metadata(card.content)
    except CardError as error:
        return JSONResponse({"errors": [{"message": str(error)}], "warnings": []}, status_code=400)
    warnings = [] if metadata else [{"message": "empty or missing yaml metadata in repo card"}]
    return JSONResponse({"errors": [], "warnings": warnings})
