"""Figures that controls add: hubs, bitext retrieval, and the curve of the shrunken map."""
