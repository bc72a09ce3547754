"""One short file per model family: the fields of its config.json and the keys of its checkpoint."""
