"""Successive halving of the settings over the inner splits (Jamieson and Talwalkar 2016, arXiv 1502.07943).

A rung is an inner split. All workers finish one before any begins the next: the next rung's jobs wait for what this
one's write. Decisions are therefore taken from complete rungs only and are the same for any number of workers, however
fast they are. Nobody polls, and a killed worker is started again like any other.
"""

from statistics import fmean

from gliodelta.tuning.space import trials_of

NONE, HALVING = "none", "halving"


def last_split(study, rung):
    """Returns the number of the last inner split of a rung; without pruning, one rung has all of them."""
    return rung if study["pruning"] == HALVING else study["inner"]


def pruned(study, aucs, rung):
    """Decides which settings do not enter a rung.

    After each earlier rung the better half of the settings stays, rounded up, by the mean AUC over their seeds and the
    inner splits so far; among equals the first in the study's order. Settings of which a trial failed are out, with the
    trials of their other seeds. A rung whose inner split gave nobody an AUC decides nothing.

    Args:
        study: content of study.json.
        aucs: list of each trial's validation AUCs, one a finished inner split; None where the split defines none.
        rung: number of the rung, from 1.

    Returns:
        dict of the number of each trial that is out to the reason, in words for a table.
    """
    alive = [position for position in range(len(study["settings"])) if trials_of(study, position)]
    out = {}
    for split in range(1, rung):
        failed = {at for at in alive if any(len(aucs[number]) < split for number in trials_of(study, at))}
        alive = [at for at in alive if at not in failed]
        out |= {
            number: f"another seed of this setting failed on inner split {split}"
            for at in failed
            for number in trials_of(study, at)
            if len(aucs[number]) >= split
        }
        if all(aucs[number][split - 1] is None for at in alive for number in trials_of(study, at)):
            continue
        values = {at: _mean_so_far(study, aucs, at, split) for at in alive}
        ranked = sorted(alive, key=lambda at: (-values[at], at))
        kept = sorted(ranked[: -(-len(ranked) // 2)])
        reason = f"not in the better half of {len(alive)} settings after inner split {split}"
        out |= {number: reason for at in alive if at not in kept for number in trials_of(study, at)}
        alive = kept
    return out


def _mean_so_far(study, aucs, position, split):
    return fmean(auc for number in trials_of(study, position) for auc in aucs[number][:split] if auc is not None)
