"""Which round answers: a rule, a new commit on `main`, and the way back."""

from huggingface_hub import CommitOperationAdd

from data_lake.errors import HubError
from data_lake.rounds import PROMOTION_FILE, Decision, Metrics, Promotion, RoundManifest
from data_lake.settings import PromotionSettings
from tasks.cards import adapter_card
from tasks.hub import MODEL, Hub, told
from tasks.ledger import Ledger, LedgerRound

# What the Hub keeps beside a commit's own files.
_NOT_COPIED = {".gitattributes", "README.md", PROMOTION_FILE}


def decide(metrics: Metrics, against: Metrics, name: str, settings: PromotionSettings) -> Decision:
    """Holds a round against the promoted one (or the base) and says whether it takes its place, and why.

    Args:
        metrics: the new round's.
        against: the promoted round's or the base's, measured on the same rows.
        name: of what it is held against.
    """
    loss_limit = against.validation_loss * (1 + settings.max_loss_increase)
    form_limit = against.form_share - settings.max_form_decrease
    figures = (
        f"validation loss {metrics.validation_loss:.4f} against {against.validation_loss:.4f} of {name} "
        f"(limit {loss_limit:.4f}), form {metrics.form_share:.2f} against {against.form_share:.2f} "
        f"(limit {form_limit:.2f})"
    )
    if not metrics.validation_loss <= loss_limit:  # a loss that is not a number fails too
        return Decision(promote=False, reason=f"held back, the loss is too high: {figures}", against=name)
    if metrics.form_share < form_limit:
        return Decision(promote=False, reason=f"held back, too few answers in the form: {figures}", against=name)
    return Decision(promote=True, reason=f"promoted: {figures}", against=name)


def settle_promotion(hub: Hub, ledger: Ledger) -> Promotion | None:
    """Promotes the newest round where its decision says so and nobody has decided about it since.

    It is called after each round and also mends what a crash between a round and its promotion left.
    Returns the promotion that stands afterwards.
    """
    newest = ledger.newest
    if newest is None:
        return ledger.promotion
    decided = ledger.promotion and ledger.promotion.considered >= newest.manifest.round
    if decided or not newest.manifest.decision.promote:
        return ledger.promotion
    return _move(hub, ledger, newest, newest.manifest.decision.reason)


def roll_back(hub: Hub, ledger: Ledger, number: int) -> Promotion:
    """Makes round `number` the one that answers, with a new commit on `main`.

    Raises:
        HubError: there is no such round, or it is the promoted one already.
    """
    target = ledger.round(number)
    if ledger.promotion and ledger.promotion.round == number:
        raise HubError(
            f"Round {number} is the promoted one already",
            left="Nothing was changed",
            mend="Run roundhouse status to see the rounds",
        )
    return _move(hub, ledger, target, f"rolled back to round {number} by hand")


def _move(hub: Hub, ledger: Ledger, target: LedgerRound, reason: str) -> Promotion:
    newest = ledger.newest or target
    promotion = Promotion(
        round=target.manifest.round, revision=target.revision, reason=reason, considered=newest.manifest.round
    )
    folder = hub.folder(hub.adapter_repo, MODEL, target.revision)
    head = hub.head(hub.adapter_repo, MODEL, "main")
    manifests: list[RoundManifest] = [entry.manifest for entry in ledger.rounds]
    operations = [
        CommitOperationAdd(str(file.relative_to(folder)), file)
        for file in sorted(folder.rglob("*"))
        if file.is_file() and str(file.relative_to(folder)) not in _NOT_COPIED
    ]
    operations += [
        CommitOperationAdd(PROMOTION_FILE, (promotion.model_dump_json(indent=2) + "\n").encode()),
        CommitOperationAdd("README.md", adapter_card(hub.adapter_repo, manifests, target.manifest.round).encode()),
    ]
    with told(f"promote round {target.manifest.round}"):
        hub.api.create_commit(
            hub.adapter_repo,
            operations,
            repo_type=MODEL,
            revision="main",
            commit_message=f"Promote round {target.manifest.round}",
            commit_description=reason,
            parent_commit=head,
        )
    return promotion
