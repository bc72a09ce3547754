"""How well the concept spaces of multilingual language models align.

The flow, one room a step:

    concepts  WordNet, the built-in lexicon or a TSV -> Concepts and a Split
    batches   bare words and prompts -> token rows -> forests of shared prefixes
    models    Flax ports of Hugging Face checkpoints, one scanning stack
    embed     forests -> pooled hidden states of the chosen layers
    store     a space on disk, keyed by all that made it
    align     Procrustes maps between spaces
    retrieve  CSLS and nearest neighbour -> rank of the right answer
    evaluate  every language pair and setting in one compiled pass
    isometry  how alike two spaces are without a map
    score     ranks -> P@k, MRR, subsets, intervals
    report    rows -> tables, figures, one HTML page
    bench     the command line over all of it

Nothing here imports JAX: the rooms do, when they are used.
"""

__version__ = "0.1.0"
