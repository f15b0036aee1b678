"""The encoder of a recipe on a replicate: the workflow's pretraining, on the largest lists' weak labels."""

from gliodelta.evidence.lists import largest, split_of
from gliodelta.pretraining.pretrain import pretrain_encoder


def pretrain_replicate(replicate, lists, counts, **work):
    """Trains the encoder that every number of human labels starts from; its weak list is every number's.

    Args:
        replicate: number of the replicate.
        lists: folder of `lists.draw_lists`.
        counts: numbers of human labels.
        work: the other arguments of `pretraining.pretrain.pretrain_encoder`: cache, recipe, training, outputs,
            checkpoint, threads.

    Raises:
        InvalidInput, SystemExit: see there.
    """
    place = largest(lists, counts)
    pretrain_encoder(
        weak=f"{place}/weak.tsv",
        lineage=f"{place}/lineage.json",
        folds=f"{lists}/folds.tsv",
        split=split_of(replicate),
        **work,
    )
