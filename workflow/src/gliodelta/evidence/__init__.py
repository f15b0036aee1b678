"""Does transfer from weak labels beat the baseline at equal budget? A study on simulated populations.

The workflow's own evaluation asks this of one cohort, whose few patients answer it vaguely. Here as many patients as
needed are simulated, with known truth, labels of known noise and a known registration error, and the maps are written
straight from the simulated pairs, so that imaging takes no time. `population` makes the maps, `lists` decides what may
be trained on, `trials` trains and tests the arms, and `summary` draws the conclusions. Training and its settings, the
leakage guard and the encoders are those of the workflow.
"""
