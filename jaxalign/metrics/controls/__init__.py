"""Figures that controls add: hubs, and the curve of the shrunken map."""
