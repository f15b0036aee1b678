"""Which patients a model never saw, carried from a split's manifest to everything that is made of it."""

from gliodelta.fingerprint import digest
from gliodelta.schema import InvalidInput


def excluded_patients(patients):
    """Returns the digest of the validation and test patients that a split keeps out of training."""
    return digest(sorted(patients))


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


def _name(lineage):
    return f"repeat {lineage['repeat']} fold {lineage['fold']} inner split {lineage['inner']}"
