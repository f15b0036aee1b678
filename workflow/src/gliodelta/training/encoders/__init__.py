"""Networks, one a file.

A plug-in has ``build(channels, shape, outputs=1)``: a torch module made of exactly two parts, `features` and `head`,
from [N, channels, *shape] to outputs [N, outputs], as many as the loss takes. `head` is what feature extraction trains
anew, `features` what it keeps: an nn.Sequential of stages, which gradual unfreezing thaws from the last to the first,
and whose result is [N, F] or maps [N, F, X', Y', Z']. The caller seeds torch.

    name       parameters                        as
    vgg        0.1 to 11.3 million, by the grid  published
    seresnext  19.5 million                      published
    cnn        0.02 million                      here, for small data and coarse grids
    strided    0.07 million                      here, for the many trainings of the population study
"""
