"""Ways from weak labels to a model of the human ones, one a file.

A plug-in has
    NEEDS_RECIPE                whether it uses a recipe's weak labels or encoder,
    TAKES_ENCODER               whether it goes on with the recipe's encoder, and so on the recipe's grid,
    training_rows(human, weak)  the rows to train on, from the human list and from the weak list after the recipe's cut
                                (pandas.DataFrames; `weak` is empty where there is no recipe), with a column `source`
                                (human | weak) where both are taken,
    prepare(model, encoder)     changes the fresh network in place; `encoder` is the recipe's encoder.safetensors, or
                                None,
and, where what is frozen changes during the training,
    thaw(model, epoch, epochs)  called before each epoch, counted from 1; sets `requires_grad` from the epoch alone, so
                                that an interrupted training goes on where it was.

    name                encoder             trained                    on
    scratch             fresh               all of it                  human labels; the baseline
    mix                 fresh               all of it                  human and weak labels
    fine-tune           the recipe's        all of it                  human labels
    feature-extract     its features        a fresh head               human labels
    gradual-unfreezing  the recipe's        more with every few epochs human labels
    pretrain-then-mix   the recipe's        all of it                  human and weak labels
"""
