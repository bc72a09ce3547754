"""How to cite the paper and this software."""

_CITATION = """@inproceedings{peng-sogaard-2024-concept,
  title     = {Concept Space Alignment in Multilingual {LLM}s},
  author    = {Peng, Qiwei and S{\\o}gaard, Anders},
  booktitle = {Proceedings of the 2024 Conference on Empirical Methods in Natural Language Processing},
  year      = {2024},
  note      = {arXiv:2410.01079}
}
@software{jaxalign,
  title   = {jaxalign: cross-lingual concept-space alignment of multilingual language models in {JAX}},
  version = {%s},
  year    = {2026}
}"""


def citation(version: str) -> str:
    """BibTeX entries of the paper and of this version of the software."""
    return _CITATION % version
