"""Ways from weak labels to a model of the human ones, one a file.

A plug-in has
    NEEDS_RECIPE             whether it uses a recipe's weak labels or encoder,
    training_rows(human, weak)  the rows to train on, from the human list and from the weak list after the recipe's cut
                             (pandas.DataFrames; `weak` is empty where there is no recipe),
    prepare(model, encoder)  changes the fresh network in place; `encoder` is the recipe's encoder.safetensors, or None.
"""
