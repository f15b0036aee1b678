"""Transfer as hyperparameter optimisation: the strategy, recipe, learning rate and weight decay that suit a fold best.

`study` writes what is searched, `worker` tries settings beside other workers, `select` freezes the best. All of them
see the inner training and validation lists only; the outer test list is no input of any job of this stage.
"""
