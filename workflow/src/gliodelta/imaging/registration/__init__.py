"""Registration engines: each plug-in finds the affine transform between two exams of one patient.

Contract: a module with

    register(fixed, moving, fixed_affine, moving_affine, fixed_mask=None, moving_mask=None) -> matrix

where `fixed` and `moving` are arrays of 3 dimensions, their affines map voxels to world mm (RAS+), the masks are brains
(or whatever should be aligned) on the same grids, and `matrix` is 4x4 and maps world mm of `fixed` to world mm of
`moving`, so that ``resample(moving, moving_affine, matrix, fixed.shape, fixed_affine)`` shows `moving` on the grid of
`fixed`. The same arguments give the same matrix, bit by bit. Masks may be left out; engines then use all of the
foreground. An engine that finds no transform raises `status.Excluded`, a `numpy.linalg.LinAlgError`, or returns what is
not finite; `register_pair` then tries the next one. Whether a matrix can be right is checked there, for all alike.
"""
