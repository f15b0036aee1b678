"""Who of a replicate population is labelled by radiologists, whose reports say what, and what may be trained on.

As in the published cohort, many patients have pairs of both kinds (78 of 183 there), so that the leakage guard has
work to do. It is that of the workflow: the lists are written by `manifests.build_manifest`.
"""

from pathlib import Path

from gliodelta import io
from gliodelta.manifests import LISTS, build_manifest
from gliodelta.schema import InvalidInput
from gliodelta.simulation.seeds import stream
from gliodelta.splits import TEST, TRAIN, VALIDATION
from gliodelta.tables import PAIR

# Shares of the patients who have human labels, and of the pairs of each that are labelled. Published: 80 of 183
# patients, 2.9 pairs each; a few more here, so that the largest number of labels needs no larger population.
HUMAN_PATIENTS, HUMAN_PAIRS = 0.6, 0.5


def draw_lists(maps, test, split, noise, counts, validation, seed, folder):
    """Writes the lists for each number of human labels, at one level of label noise.

    The draws are nested, so that only what is asked changes: the patients and pairs of a smaller number of human labels
    are among those of a larger one, with the same patients validating, and every number has the same weak list, without
    the patients who validate the largest. Labels that are wrong at a level of noise are wrong at higher ones, too.

    Args:
        maps: table of the replicate (`population.simulate_population`).
        test: table of the test population, whose patients the guard keeps out by name.
        split: dict with `repeat` (the replicate), `fold` and `inner`.
        noise: percent of the weak labels that are wrong, below 50.
        counts: numbers of human labels, those that validate among them.
        validation: share of the human labels that validate.
        seed: of the draws.
        folder: to write: folds.tsv and weak.tsv as the stages `splits` and `labels` write them, and for each number
            ``labels-{count}/`` with labels.tsv, the lists train, validation, test (empty: the test population has
            maps of its own) and weak, and lineage.json.

    Raises:
        InvalidInput: more human labels are wanted than there are.
    """
    import pandas as pd

    table, folder = io.read_table(maps), Path(folder)
    human = _draw_human(table, stream(seed, split["repeat"], "human"))
    if len(human) < max(counts):
        raise InvalidInput(
            f"configuration, evidence: labels: {max(counts)} human labels are wanted, but radiologists label only "
            f"{len(human)} pairs of a replicate; simulate more patients or ask for fewer labels"
        )
    parts = {**assign_parts(human[: max(counts)], validation), **dict.fromkeys(io.read_table(test)["subject"], TEST)}
    folds = pd.DataFrame([{"subject": subject, **split, "part": part} for subject, part in parts.items()])
    io.write_table(folds, folder / "folds.tsv")
    others = table.drop(human.index)
    weak = read_reports(others["y"].to_numpy(), noise / 100, stream(seed, split["repeat"], "reports"))
    io.write_table(others[PAIR].assign(**weak), folder / "weak.tsv")
    for count in counts:
        place = folder / f"labels-{count}"
        io.write_table(human[:count][[*PAIR, "label"]].assign(reader="r1"), place / "labels.tsv")
        lists = {name: place / f"{name}.tsv" for name in LISTS}
        sources = (folder / "folds.tsv", place / "labels.tsv", folder / "weak.tsv", maps)
        build_manifest(*sources, split, lists, place / "lineage.json")


def split_of(replicate):
    """Returns how the lineages call a replicate: the repeat of that number, which has one fold and one inner split."""
    return {"repeat": int(replicate), "fold": 1, "inner": 1}


def largest(folder, counts):
    """Returns the folder of the lists for the largest number of human labels; its weak list is every number's."""
    return Path(folder) / f"labels-{max(counts)}"


def _draw_human(table, draw):
    """The pairs that radiologists label, patient by patient in a random order."""
    subjects = draw.permutation(sorted(set(table["subject"])))
    chosen = []
    for subject in subjects[: round(HUMAN_PATIENTS * len(subjects))]:
        pairs = table.index[table["subject"] == subject].to_numpy()
        chosen += list(draw.permutation(pairs)[: round(HUMAN_PAIRS * len(pairs))])
    return table.loc[chosen]


def assign_parts(human, validation):
    """Assigns the patients to training and validation, one after another, as evenly as can be.

    A patient validates if that brings the validation's share of pairs and of unstable pairs, over the patients so far,
    closer to what is wanted. What later patients do never changes what an earlier one does.

    Args:
        human: pandas.DataFrame with subject and y, in the order of the patients.
        validation: share of the pairs that validate.

    Returns:
        dict of subject to `splits.TRAIN` or `splits.VALIDATION`.
    """
    import numpy as np

    parts, wanted, found = {}, np.zeros(2), np.zeros(2)
    for subject, pairs in human.groupby("subject", sort=False):
        own = np.array([len(pairs), pairs["y"].sum()])
        wanted += validation * own
        closer = np.square(wanted - found - own).sum() < np.square(wanted - found).sum()
        parts[subject] = VALIDATION if closer else TRAIN
        found += own * closer
    return parts


def read_reports(y, noise, draw):
    """Draws weak labels whose confidence is right: of those with confidence c, a share 1 - c is wrong.

    Each label has a chance of its own to be wrong, between 0 and 1/2: a beta distribution whose two parameters sum to
    2, so that few errors come from a few doubtful reports, and many from reports that are nearly all doubtful.

    Args:
        y: array of the truth, 0 or 1.
        noise: mean chance of a label to be wrong, from 0 to below .5.
        draw: numpy random generator.

    Returns:
        dict of arrays: p_unstable and confidence (.5 to 1).
    """
    import numpy as np
    from scipy.stats import beta

    # The same numbers at every level of noise.
    doubt, chance = draw.random((2, len(y)))
    wrong = beta.ppf(doubt, 4 * noise, 2 - 4 * noise) / 2 if noise else np.zeros(len(y))
    # Even the most doubtful report says one of the two: a probability of exactly .5 would always count as unstable.
    wrong = np.minimum(wrong, 0.4999)
    said = np.where(chance < wrong, 1 - y, y)
    return {"p_unstable": np.where(said == 1, 1 - wrong, wrong), "confidence": 1 - wrong}
