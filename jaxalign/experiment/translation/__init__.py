"""Word translation between two vocabularies: dictionary files, and the suite that scores them."""
