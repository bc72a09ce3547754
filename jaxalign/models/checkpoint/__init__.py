"""Checkpoints on disk or on the hub -> parameters on the devices."""
