"""Normalisations: each plug-in brings the intensities of a registered pair to one scale.

Contract: a module with

    normalise(prior, current, mask) -> (prior, current)

where all three are arrays on one grid, `mask` is bool and holds the brain that both exams show, inside which both are
finite and neither is constant. The results are float32, in standard deviations of the current exam's brain intensity (z
units), and 0 outside the mask. The gain of either exam does not matter.

How well |difference| shows what changed, as voxel AUC inside the common brain, by `tests/bench/normalisation.py` on
nine simulated pairs (columns for seven), and on the real patient of the tests (two visits, an expert's mask of change;
bias-corrected exams and transform as by default). "own" and "equal" are settings of `imaging.sharpness`.

    sharpness  normalisation    mean  growth  small  large  resected  coil  gamma  slices   real
    own        whole-crop       .943    .981   .918   .979      .981  .950   .920    .947   .764   as published
    own        zscore           .939    .979   .911   .979      .968  .948   .964    .939   .817
    equal      histogram        .975    .994   .977   .992      .963  .982   .986    .985   .869
    equal      white-stripe     .977    .996   .973   .996      .985  .986   .968    .988   .885
    equal      whole-crop       .977    .995   .978   .994      .984  .984   .971    .987   .868
    equal      zscore           .978    .995   .979   .994      .976  .984   .988    .988   .869
    equal      regression       .980    .996   .979   .996      .985  .985   .989    .988   .870
    equal      smooth-gain      .982    .996   .980   .997      .986  .985   .990    .988   .873   the default

Sharpness matters most: exams that differ in slices or interpolation differ at every edge. Growth is 20 to 40 ml, small
10 to 13, large 10 to 60; 60 ml are resected; coil and slices are the hardest bias and other voxels at the two visits.
"""
