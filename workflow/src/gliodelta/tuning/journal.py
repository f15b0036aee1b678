"""The journal of a study: the one file in which its workers agree on who trains what, and keep what came out."""

import contextlib
from pathlib import Path

from gliodelta.tuning.space import PARAMETERS, choices, trial

NOBODY = 0


class Journal:
    """The trials of a study, in Optuna's journal format; trial n here is trial n of the study.

    Workers look at it and change it only while they hold `queue_lock`, and add to a trial only while it is theirs. A
    trial's `worker` is the number of the worker that is at it (`NOBODY` while it waits), its `auc` the validation AUC
    of the inner splits that it has finished, in their order.
    """

    def __init__(self, study, folder):
        """Opens the journal of `study` (study.json's content) in `folder`, or begins it."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        path = str(Path(folder) / "journal.log")
        # Not the default lock, a link: relative ones dangle, and a killed worker's dangling link is never seen as
        # stale.
        lock = optuna.storages.journal.JournalFileOpenLock(path)
        _mend(path, lock)
        self.storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(path, lock))
        self.optuna = optuna.create_study(
            storage=self.storage, study_name=study["id"], direction="maximize", load_if_exists=True
        )
        self.id = self.storage.get_study_id_from_name(study["id"])

    def trials(self):
        """Returns the frozen trials of all workers, in their order."""
        return self.storage.get_all_trials(self.id, deepcopy=False)

    def add_missing(self, study):
        """Adds the trials that the study asks for and the journal lacks: all, some after a kill or a larger budget."""
        from optuna.distributions import CategoricalDistribution
        from optuna.trial import TrialState, create_trial

        values = choices(study["settings"])
        for number in range(len(self.trials()), study["budget"]):
            setting = trial(study, number)
            # The space is conditional: where a strategy needs no recipe, there is none to choose.
            parameters = {name: setting[name] for name in PARAMETERS if setting[name] != ""}
            state = {"seed": setting["seed"], "worker": NOBODY, "auc": []}
            distributions = {name: CategoricalDistribution(values[name]) for name in parameters}
            self.optuna.add_trial(
                create_trial(state=TrialState.WAITING, params=parameters, distributions=distributions, user_attrs=state)
            )

    def sign(self, number, worker):
        """Makes a trial `worker`'s."""
        from optuna.trial import TrialState

        self.note(number, worker=worker)
        if self.trials()[number].state == TrialState.WAITING:
            self.storage.set_trial_state_values(self._trial_id(number), TrialState.RUNNING)

    def note(self, number, **attributes):
        """Writes attributes of a trial that is not finished."""
        for key, value in attributes.items():
            self.storage.set_trial_user_attr(self._trial_id(number), key, value)

    def finish(self, number, state, value=None):
        """Ends a trial as `state` (`optuna.trial.TrialState`), complete ones with their value."""
        values = None if value is None else [value]
        self.storage.set_trial_state_values(self._trial_id(number), state, values)

    def _trial_id(self, number):
        return self.storage.get_trial_id_from_study_id_trial_number(self.id, number)


def _mend(path, lock):
    """Cuts off a last line that a kill or a full disk has torn; Optuna would write on in it, and then read nothing."""
    lock.acquire()
    try:
        with open(path, "ab+") as file:
            file.seek(0)
            content = file.read()
            if not content.endswith(b"\n"):
                file.truncate(content.rfind(b"\n") + 1)
    finally:
        lock.release()


@contextlib.contextmanager
def queue_lock(folder):
    """Lets one worker at a time look at the journal and change it: looking and taking are two steps in Optuna.

    Works on network file systems (exclusive creation of a file); the lock of a killed worker is broken after 30 s.
    """
    from optuna.storages.journal import JournalFileOpenLock

    lock = JournalFileOpenLock(str(Path(folder) / "queue"))
    lock.acquire()
    try:
        yield
    finally:
        lock.release()
