"""Bias-field corrections, one a file.

A plug-in has ``correct(data, affine, mask)``: `data` a float32 array [X, Y, Z] (non-negative, any units), `affine`
its 4x4 voxel-to-world matrix in mm, `mask` a boolean array of the brain. It returns the corrected image, float32, of
the same shape and with the same mean inside the mask.
"""
