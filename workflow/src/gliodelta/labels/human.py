"""What several radiologists said about a pair, as one label."""

from gliodelta import io

STABLE, UNSTABLE = 0, 1
# Progression and response are both change; the published study merged them too.
BINARY = {"stable": STABLE, "progression": UNSTABLE, "response": UNSTABLE}


def consensus(labels_sheet):
    """Reduces one row a reader to one row a pair by majority: more than half of all readers who saw the pair.

    A reader who could not tell counts among them, since one opinion out of three is no majority.

    Args:
        labels_sheet: path of labels.tsv (subject, prior, current, reader, label).

    Returns:
        pandas.DataFrame, sorted by subject and sessions: subject, prior, current, label (three-way majority; "" without
        one), y (0 stable, 1 unstable; missing when the pair has no binary majority), readers (how many saw the pair)
        and reason (why there is no binary majority, else "").
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
    def most(words, choices):
        return next((choice for choice in choices if 2 * words.count(choice) > len(labels)), None)

    binary = [BINARY[label] for label in labels if label in BINARY]
    y = most(binary, (STABLE, UNSTABLE))
    reason = "" if y is not None else "no majority of the readers" if binary else "no reader could tell"
    return {"label": most(labels, BINARY) or "", "y": y, "readers": len(labels), "reason": reason}
