"""Which patients a model never saw, carried from a split's manifest to everything that is made of it."""

from gliodelta.fingerprint import digest
from gliodelta.schema import InvalidInput
from gliodelta.tables import SPLIT

# What weights carry on their card, so that a file that was copied or renamed still says whom it never saw.
KEYS = (*SPLIT, "excluded")


def excluded_patients(patients):
    """Returns the digest of the validation and test patients that a split keeps out of training."""
    return digest(sorted(patients))


def origin(lineage):
    """Returns what a model's card repeats of a lineage: the split, and the digest of the patients kept out of it."""
    return {key: lineage[key] for key in KEYS}


def check_lineage(mine, others):
    """Refuses inputs that were made with other patients left out than `mine`.

    Args:
        mine: lineage of the split's manifest (dict).
        others: lineages (dicts) of what was made from a manifest, such as an encoder.

    Raises:
        InvalidInput: naming both folds.
    """
    for other in others:
        if other["excluded"] != mine["excluded"]:
            raise InvalidInput(
                f"weights of {_name(other)} were offered to {_name(mine)}: other patients were kept out of their "
                "training, so that validation or test patients may have leaked into them; delete and retrain them"
            )


def check_cards(mine, cards):
    """Refuses weights whose own card (`training.models.load_model`) says that they are another split's than `mine`.

    Args:
        mine: lineage of the split's manifest (dict).
        cards: dicts; each has `lineage`, the `origin` of its weights.

    Raises:
        InvalidInput: naming both folds, or that a card does not say it.
    """
    for card in cards:
        if "lineage" not in card:
            raise InvalidInput(
                f"weights without a lineage on their card were offered to {_name(mine)}: nobody can tell which "
                "patients they have seen; delete and retrain them"
            )
    check_lineage(mine, [card["lineage"] for card in cards])


def _name(lineage):
    return f"repeat {lineage['repeat']} fold {lineage['fold']} inner split {lineage['inner']}"
