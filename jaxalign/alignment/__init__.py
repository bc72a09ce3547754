"""Maps between two spaces: normalisation, orthogonal Procrustes, least squares, generalised Procrustes.

Rows are concepts and a map is applied on the right: `source @ rotation` lies in the target's space.
Public face: `normalize.normalize`, `procrustes.rotation`, `generalized.rotations`.
"""
