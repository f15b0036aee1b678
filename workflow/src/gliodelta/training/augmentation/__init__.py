"""Random changes of a pair before the network sees it, one set of them a file.

A plug-in has ``augment(pairs, generator, size_mm)``: from float pairs [N, 2, X, Y, Z] (prior, current; z-scored inside
the brain, 0 outside) on any device to a new tensor of the same shape there. `generator`, a torch.Generator on that
device, is the only source of randomness; `size_mm` is the extent of the grid (X, Y, Z) in mm.
It may have
``REPRESENTATION``, the one representation that can be made of its result.
"""
