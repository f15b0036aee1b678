"""Cross-validation by patient: repeats of outer folds, each with inner splits, from the human labels only."""

import random

from gliodelta import io
from gliodelta.labels.human import labelled
from gliodelta.schema import InvalidInput

TRAIN, VALIDATION, TEST = "train", "validation", "test"


def split_patients(labels_sheet, settings, folds, balance):
    """Draws the splits and writes who is where.

    Folds are grouped by patient and, unless the settings say otherwise, stratified by the labels of the pairs. The
    published ones were not (Di Noto et al. 2022, arXiv 2210.09698): `KFold` over the sorted patients, of whose training
    patients `random.sample` drew a quarter to validate; their prevalence ran from 25 to 50 %. Patients without human
    labels are in no fold: they are never tested.

    Args:
        labels_sheet: path of labels.tsv.
        settings: dict with `repeats`, `folds`, `inner`, `validation`, `stratified` and `seed` (schema `config`,
            section splits).
        folds: table to write: repeat, fold, inner (all from 1), subject, part (train | validation | test).
        balance: table to write: patients, pairs and unstable pairs of each part of each split.

    Raises:
        InvalidInput: fewer labelled patients or pairs than the folds need, or a share that cannot be stratified.
    """
    import pandas as pd

    pairs = labelled(labels_sheet)
    splits = pd.DataFrame(
        _splits(pairs, settings, labels_sheet), columns=["repeat", "fold", "inner", "subject", "part"]
    )
    io.write_table(splits, folds)
    io.write_table(_balance(splits, pairs), balance)


def _splits(pairs, settings, labels_sheet):
    _check_enough(pairs, settings, labels_sheet)
    rows = []
    for repeat in range(1, settings["repeats"] + 1):
        seed = settings["seed"] + repeat - 1
        for fold, test in enumerate(_groups(pairs, settings["folds"], seed, settings["stratified"]), start=1):
            training = pairs[~pairs["subject"].isin(test)]
            for inner, validation in enumerate(_validations(training, settings, seed), start=1):
                for subject in sorted(set(pairs["subject"])):
                    part = TEST if subject in test else VALIDATION if subject in validation else TRAIN
                    rows.append((repeat, fold, inner, subject, part))
    return rows


def check_share(settings):
    """Refuses a share of validation patients that stratified folds cannot have, which is none but a half, a third, ...

    Args:
        settings: as for `split_patients`.

    Raises:
        InvalidInput: with the nearest share that they can have.
    """
    share = settings["validation"]
    nearest = 1 / max(2, round(1 / share))
    # A third may be written 0.33.
    if settings["inner"] == 1 and settings["stratified"] and abs(share - nearest) > 0.005:
        raise InvalidInput(
            f"configuration, splits: validation is {share:g}, but stratified splits validate with one of 2, 3, 4, ... "
            f"equal folds; write {nearest:.4g}, or stratified: false"
        )


def _check_enough(pairs, settings, labels_sheet):
    check_share(settings)
    patients, inner_folds = pairs["subject"].nunique(), _inner_folds(settings)
    # Every outer training set must still give each inner fold a patient.
    if patients < settings["folds"] or patients - -(-patients // settings["folds"]) < inner_folds:
        raise InvalidInput(
            f"{labels_sheet}: {patients} patients have a human label, too few for {settings['folds']} outer and "
            f"{inner_folds} inner folds; label more patients or lower splits: folds and inner in the configuration"
        )


def _inner_folds(settings):
    # One inner split is the published design: one draw of a share of the training patients.
    return settings["inner"] if settings["inner"] > 1 else round(1 / settings["validation"])


def _validations(training, settings, seed):
    """Returns the set of validation patients of each inner split."""
    if settings["inner"] == 1 and not settings["stratified"]:
        patients = sorted(set(training["subject"]))
        # Rounded half up, as published: 18 of 72 or 73.
        count = int(settings["validation"] * len(patients) + 0.5)
        if not 0 < count < len(patients):
            raise InvalidInput(
                f"configuration, splits: validation is {settings['validation']:g}, which is {count} of {len(patients)} "
                "patients; write a share that leaves patients to train on and to validate with, such as 0.25"
            )
        return [set(random.Random(seed).sample(patients, count))]
    return _groups(training, _inner_folds(settings), seed, settings["stratified"])[: settings["inner"]]


def _groups(pairs, folds, seed, stratified):
    """Returns the set of patients of each fold."""
    from sklearn.model_selection import KFold, StratifiedGroupKFold

    if not stratified:
        patients = pairs["subject"].drop_duplicates().sort_values().to_numpy()
        return [set(patients[test]) for _, test in KFold(folds, shuffle=True, random_state=seed).split(patients)]
    subjects = pairs["subject"].to_numpy()
    found = []
    # scikit-learn refuses folds of which there are more than pairs of either class.
    if folds <= pairs["y"].value_counts().max():
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
        found = [set(subjects[test]) for _, test in splitter.split(subjects, pairs["y"], groups=subjects)]
    if not found or not all(found):
        unstable = int(pairs["y"].sum())
        raise InvalidInput(
            f"{len(pairs) - unstable} stable and {unstable} unstable pairs of {len(set(subjects))} patients do not "
            f"make {folds} stratified folds; label more pairs, or write fewer folds or stratified: false in the "
            "configuration, splits"
        )
    return found


def _balance(splits, pairs):
    joined = splits.merge(pairs, on="subject")
    grouped = joined.groupby(["repeat", "fold", "inner", "part"])
    table = grouped.agg(patients=("subject", "nunique"), pairs=("y", "size"), unstable=("y", "sum"))
    return table.reset_index()
