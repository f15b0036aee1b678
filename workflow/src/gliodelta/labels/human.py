"""What several radiologists said about a pair, as one label."""

from gliodelta import io

STABLE, UNSTABLE = 0, 1
# Progression and response are both change; the published study merged them too.
BINARY = {"stable": STABLE, "progression": UNSTABLE, "response": UNSTABLE}


def consensus(labels_sheet):
    """Reduces one row a reader to one row a pair by majority.

    Args:
        labels_sheet: path of labels.tsv (subject, prior, current, reader, label).

    Returns:
        pandas.DataFrame, sorted by subject and sessions: subject, prior, current, label (three-way majority; "" without
        one), y (0 stable, 1 unstable; missing when the pair has no binary majority), readers (how many gave a label)
        and reason (why there is no majority, else "").
    """
    import pandas as pd

    labels = io.read_table(labels_sheet)
    rows = [
        {**dict(zip(("subject", "prior", "current"), pair, strict=True)), **_majority(list(group["label"]))}
        for pair, group in labels.groupby(["subject", "prior", "current"])
    ]
    columns = ["subject", "prior", "current", "label", "y", "readers", "reason"]
    return pd.DataFrame(rows, columns=columns).astype({"y": "Int64"})


def labelled(labels_sheet):
    """Returns the rows of `consensus` that have a binary label, `y` as int."""
    table = consensus(labels_sheet)
    return table[table["y"].notna()].astype({"y": int}).reset_index(drop=True)


def _majority(labels):
    known = [label for label in labels if label in BINARY]
    unstable = sum(BINARY[label] for label in known)
    if not known or 2 * unstable == len(known):
        reason = "readers are tied" if known else "no reader could tell"
        return {"label": "", "y": None, "readers": len(known), "reason": reason}
    y = UNSTABLE if 2 * unstable > len(known) else STABLE
    agreeing = [label for label in known if BINARY[label] == y]
    # A tie between progression and response leaves the pair unstable, its direction open.
    most = max(sorted(set(agreeing)), key=agreeing.count)
    tied = len({label for label in agreeing if agreeing.count(label) == agreeing.count(most)}) > 1
    return {"label": "" if tied else most, "y": y, "readers": len(known), "reason": ""}
