"""Brain extractions, one a file.

A plug-in has ``extract(data, affine)``: `data` a float32 array [X, Y, Z] of a whole T2-weighted head, `affine` its 4x4
voxel-to-world matrix in mm (RAS+). It returns a boolean array of the same shape, the brain with its ventricles and
sulci, or raises `status.Excluded` where it finds none.
"""
