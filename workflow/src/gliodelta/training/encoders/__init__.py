"""Networks, one a file.

A plug-in has ``build(channels, shape, outputs=1)``: a torch module made of exactly two parts, `features` and `head`,
from [N, channels, *shape] to logits [N, outputs]. One logit for unstable is the default; two are what was published.
`head` is what feature extraction trains anew, `features` what it keeps. The caller seeds torch.
"""
