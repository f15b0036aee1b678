"""Ways to train an encoder before the human labels are seen, one a file.

A plug-in has ``pretrain(model, rows, cache, recipe, training, checkpoint, watch)``: trains `model` in place on the weak
rows that the recipe's cut kept, as its row of recipes.tsv says, and returns the history (pandas.DataFrame, one row an
epoch). It raises `status.Excluded` when the rows do not suffice.
"""
