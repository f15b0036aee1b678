"""Brain extractions, one a file.

A plug-in has ``extract(data, affine, matrix)``: `data` a float32 array [X, Y, Z] of a whole T2-weighted head, about
RAS+; `affine` its 4x4 voxel-to-world matrix in mm; `matrix` 4x4, world mm of the exam to the template's, from
`imaging.template.align`, which a plug-in may ignore. It returns a boolean array of the same shape, the brain with its
ventricles and sulci, or raises `status.Excluded` where it finds none, and `schema.InvalidInput` where something that it
needs is not installed.
"""
