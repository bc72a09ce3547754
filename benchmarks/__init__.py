"""Flagfiles, one an experiment, and our stages against their peers."""
