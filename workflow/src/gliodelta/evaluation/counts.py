"""What is not in the metrics, as rows of its own: nothing is left out without a number and a reason."""

from itertools import product

from gliodelta import io
from gliodelta.evaluation.comparisons import COMPARATOR
from gliodelta.evaluation.summary import size
from gliodelta.labels.human import labelled
from gliodelta.tables import PAIR, count_reasons
from gliodelta.transfer.calibration import UNCALIBRATED

# The row that counts models whose scores nothing calibrates.
BARE = "uncalibrated-models"


def count_unlabelled(table, kinds):
    """Returns rows that count the external pairs without a human label: predicted, but not scored.

    Args:
        table: result of `predictions.gather`.
        kinds: dict of arm to primary, arm or comparator.

    Returns:
        pandas.DataFrame with columns of `summary.measure`, as do the other functions here.
    """
    import pandas as pd

    rows = []
    for (cohort, arm), part in table[table["y_true"].isna()].groupby(["cohort", "arm"]):
        row = {"kind": kinds[arm], "arm": arm, "cohort": cohort, "metric": "pairs-without-label", "value": len(part)}
        note = f"{len(part)} pairs predicted, but not scored: no human label"
        rows.append({**row, **size(part), "note": note})
    return pd.DataFrame(rows)


def count_unpredicted(table, kinds):
    """Returns a row for each arm and cohort without a prediction."""
    import pandas as pd

    empty = [cohort for cohort in table["cohort"].cat.categories if not (table["cohort"] == cohort).any()]
    none = {"metric": "pairs-predicted", "value": 0, "n_maps": 0, "n_patients": 0, "n_unstable": 0}
    none["note"] = "no pair has a map that passed the checks; see the reasons in maps.tsv"
    own = [(cohort, arm, kind) for cohort, (arm, kind) in product(empty, kinds.items()) if kind != COMPARATOR]
    return pd.DataFrame([{"kind": kind, "arm": arm, "cohort": cohort, **none} for cohort, arm, kind in own])


def count_untrained(lineages, kinds, development):
    """Returns rows that count the splits on which an arm had nothing to train on.

    Args:
        lineages: contents of the lineage.json of every arm and split.
        kinds: dict of arm to primary, arm or comparator.
        development: name of the development cohort.
    """
    import pandas as pd

    rows = []
    for arm in kinds:
        own = [lineage for lineage in lineages if lineage["arm"] == arm]
        reasons = [lineage["reason"] for lineage in own if lineage["status"] == "untrained"]
        row = {"kind": kinds[arm], "arm": arm, "cohort": development, "metric": "untrained-splits"}
        note = f"{len(reasons)} splits left out for every arm: {', '.join(sorted(set(reasons)))}"
        if reasons:
            rows.append({**row, "value": len(reasons), "n_maps": 0, "n_patients": 0, "note": note})
    return pd.DataFrame(rows)


def count_uncalibrated(lineages, kinds, cohorts):
    """Returns a row for each arm and cohort that counts the trained models whose scores nothing calibrates.

    Args:
        lineages: contents of the lineage.json of every arm and split.
        kinds: dict of arm to primary, arm or comparator.
        cohorts: names of the cohorts, all of which the arm's models predict.
    """
    import pandas as pd

    rows = []
    for cohort, arm in product(cohorts, kinds):
        bare, trained = uncalibrated([lineage for lineage in lineages if lineage["arm"] == arm])
        row = {"kind": kinds[arm], "arm": arm, "cohort": cohort, "metric": BARE}
        if bare:
            rows.append({**row, "value": bare, "n_maps": 0, "n_patients": 0, "note": say_uncalibrated(bare, trained)})
    return pd.DataFrame(rows)


def uncalibrated(lineages):
    """Returns how many of an arm's models have scores that nothing calibrates, and how many are trained."""
    trained = [lineage for lineage in lineages if lineage["status"] == "trained"]
    return sum(lineage["calibration"] == UNCALIBRATED for lineage in trained), len(trained)


def say_uncalibrated(bare, trained):
    """Returns what `bare` uncalibrated models of `trained` mean for the probabilities."""
    return (
        f"probabilities of {bare} of {trained} models are uncalibrated, since their validation pairs lack a class: "
        "read them as ranks"
    )


def count_excluded(cohorts, maps, labels):
    """Returns a row for each cohort that counts the labelled pairs that no arm could score, with the reasons.

    Args:
        cohorts: names of the labelled cohorts.
        maps, labels: maps.tsv and labels.tsv of each of them.
    """
    import pandas as pd

    rows = []
    for cohort, screened, human in zip(cohorts, maps, labels, strict=True):
        table = labelled(human).merge(io.read_table(screened)[[*PAIR, "include", "reason"]], on=PAIR, how="left",
                                      suffixes=("_label", ""))  # fmt: skip
        lost = table[table["include"] != "yes"]
        reasons = count_reasons(lost["reason"].where(lost["include"] == "no", "no row of pairs.tsv"))
        row = {"kind": "cohort", "arm": "all", "cohort": cohort, "metric": "labelled-pairs-excluded"}
        sized = {"n_maps": len(lost), "n_patients": lost["subject"].nunique(), "n_unstable": int(lost["y"].sum())}
        note = f"{len(lost)} labelled pairs excluded before any arm: {', '.join(f'{n} {why}' for why, n in reasons)}"
        if len(lost):
            rows.append({**row, "value": len(lost), **sized, "note": note})
    return pd.DataFrame(rows)
