"""Readers of one file of vectors, block by block: `formats.read` chooses by the file, `table` collects and checks."""
