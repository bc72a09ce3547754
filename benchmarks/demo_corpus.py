"""The text the demo checkpoint is trained on: one association graph, in the words of seven languages.

No corpus is needed. WordNet says which concepts of the built-in lexicon belong together (shared hypernyms, gloss words
and parts); a "sentence" of a language is a walk over that graph in the words of this language alone. So every language
has its own text, sampled independently, and all share one structure of meaning. Only the training concepts have
dictionary pairs.

`python benchmarks/demo_corpus.py` writes the graph (`benchmarks/demo_graph.tsv`) again; it needs WordNet through nltk.
Training needs the written file only.
"""

import csv
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np

HERE = Path(__file__).parent
LEXICON = HERE.parent / "jaxalign" / "data" / "lexicon.tsv"
GRAPH = HERE / "demo_graph.tsv"
LANGUAGES = {
    "en": "English",
    "fr": "French",
    "ro": "Romanian",
    "eu": "Basque",
    "fi": "Finnish",
    "ja": "Japanese",
    "th": "Thai",
}
PROMPT = 'Summarize concept "{text}" in one {language} word:'
NEIGHBOURS = 12
STOP = set(
    "a an the of or and in to for that is with by from as on at it its be used who which one not usually are other has "
    "have being into any some you made esp something someone especially act person".split()
)


BOS, EOS = [1], 2
FOLLOWERS = 24  # words that may follow a word


class Lexicon(NamedTuple):
    """The built-in concepts: ids, kinds, and words[language][concept]."""

    ids: list[str]
    kinds: list[str]
    words: list[list[str]]


Target = tuple[tuple[int, ...], tuple[float, ...]]  # token ids that may follow, and their probabilities


class Row(NamedTuple):
    """One training text: token ids from the beginning-of-text token on, and what is to be predicted after each."""

    tokens: list[int]
    targets: list[Target]


def read_lexicon(path: Path = LEXICON) -> Lexicon:
    """The lexicon's columns."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return Lexicon([r["id"] for r in rows], [r["kind"] for r in rows], [[r[code] for r in rows] for code in LANGUAGES])


def frames(text: str = "") -> list[str]:
    """The paper's prompt of each language."""
    return [PROMPT.format(text=text, language=name) for name in LANGUAGES.values()]


def features(name: str) -> dict[str, float]:
    """Weighted features of a synset: ancestors by nearness, and content words of its own and its relatives' glosses."""
    from nltk.corpus import wordnet

    synset = wordnet.synset(name)
    found: dict[str, float] = {"file:" + synset.lexname(): 1.0}
    for ancestor, distance in synset.hypernym_distances():
        key = "is:" + ancestor.name()
        found[key] = max(found.get(key, 0.0), 1.5 / (1 + 0.5 * distance))
    parts = synset.part_meronyms() + synset.part_holonyms() + synset.member_holonyms() + synset.substance_holonyms()
    for weight, relatives in ((1.0, [synset]), (0.5, synset.hypernyms() + synset.hyponyms() + parts)):
        for relative in relatives[:20]:
            text = " ".join([relative.definition(), *relative.examples(), *relative.lemma_names()]).lower()
            for word in set(re.findall(r"[a-z]{3,}", text)) - STOP:
                key = "word:" + re.sub(r"(ies|es|s|ing|ed)$", "", word)
                found[key] = min(1.5, found.get(key, 0.0) + weight)
    for relative in parts:
        found["is:" + relative.name()] = 1.0
    return found


def associations(names: list[str]) -> np.ndarray:
    """The (concept, concept) transition matrix: cosine of tf-idf features, sharpened, the nearest kept, hubs damped."""
    bags = [features(name) for name in names]
    columns = {key: i for i, key in enumerate(sorted({key for bag in bags for key in bag}))}
    table = np.zeros((len(bags), len(columns)))
    for row, bag in enumerate(bags):
        for key, value in bag.items():
            table[row, columns[key]] = value
    table *= np.log(len(bags) / (table > 0).sum(axis=0))  # a feature of one concept alone says nothing about another
    table[:, (table > 0).sum(axis=0) < 2] = 0
    table /= np.linalg.norm(table, axis=1, keepdims=True) + 1e-9
    cosine = table @ table.T
    np.fill_diagonal(cosine, 0)
    kept = np.where(cosine >= np.sort(cosine, axis=1)[:, [-NEIGHBOURS]], cosine, 0)
    kept = np.maximum(kept, kept.T) ** 1.5
    for _ in range(30):  # Sinkhorn: every concept is said equally often
        kept /= kept.sum(axis=0, keepdims=True)
        kept /= kept.sum(axis=1, keepdims=True)
    return kept


def write_graph(names: list[str], path: Path = GRAPH) -> None:
    """Writes one line a concept: its id, then `neighbour:weight` with integer weights, heaviest first."""
    matrix = associations(names)
    with open(path, "w", encoding="utf-8") as file:
        for name, weights in zip(names, np.rint(matrix * 1000).astype(int), strict=True):
            order = [i for i in np.argsort(-weights, kind="stable") if weights[i] > 0]
            file.write("\t".join([name, *(f"{names[i]}:{weights[i]}" for i in order)]) + "\n")


def read_graph(names: list[str], path: Path = GRAPH) -> np.ndarray:
    """The (concept, concept) matrix of transition probabilities; ValueError when it is not of these concepts."""
    row = {name: i for i, name in enumerate(names)}
    matrix = np.zeros((len(names), len(names)))
    with open(path, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split("\t") for line in file]
    if [line[0] for line in lines] != names:
        raise ValueError(f"Expected the lexicon's concepts in {path}. Write it anew: python benchmarks/demo_corpus.py")
    for name, *edges in lines:
        for edge in edges:
            neighbour, weight = edge.rsplit(":", 1)
            matrix[row[name], row[neighbour]] = int(weight)
    return matrix / matrix.sum(axis=1, keepdims=True)


def hold_out(lexicon: Lexicon, share: float = 0.25, seed: int = 0) -> dict[str, list[str]]:
    """{"seed": training concepts, "test": held-out concepts}, the same share of every kind."""
    generator = np.random.default_rng(seed)
    held: set[int] = set()
    for kind in sorted(set(lexicon.kinds)):
        members = [i for i, k in enumerate(lexicon.kinds) if k == kind]
        held |= set(generator.permutation(members)[: round(share * len(members))].tolist())
    ids = lexicon.ids
    return {"seed": [ids[i] for i in range(len(ids)) if i not in held], "test": [ids[i] for i in sorted(held)]}


NOTHING: Target = ((), ())


def spell(word: list[int]) -> list[Target]:
    """The targets inside a word: each token is followed by the next."""
    return [((token,), (1.0,)) for token in word[1:]]


class Sampler:
    """Draws training rows.

    Where a word ends, the target is the whole distribution that the graph gives for the next word, not the one word
    drawn: the same expected gradient as from sampled text, with far less noise.
    """

    def __init__(self, lexicon: Lexicon, graph: np.ndarray, training: list[str], encode, seed: int):
        self.generator = np.random.default_rng(seed)
        self.cumulative = graph.cumsum(axis=1)
        self.words = [[encode(word) for word in column] for column in lexicon.words]
        row = {name: i for i, name in enumerate(lexicon.ids)}
        self.training = np.array([row[name] for name in training])
        self.equals = encode("=")
        self.frames = [tuple(encode(part) for part in frame.split("\0")) for frame in frames("\0")]
        self.follows = [[self._follows(words, weights) for weights in graph] for words in self.words]

    def _follows(self, words: list[list[int]], weights: np.ndarray) -> Target:
        near = np.argsort(-weights, kind="stable")[:FOLLOWERS]
        near = near[weights[near] > 0]
        return tuple(words[i][0] for i in near), tuple((weights[near] / weights[near].sum()).tolist())

    def neighbour(self, concept: int) -> int:
        """A concept associated with this one."""
        drawn = self.generator.random()
        return int(min(np.searchsorted(self.cumulative[concept], drawn), len(self.cumulative) - 1))

    def walk(self, length: int) -> Row:
        """Words of one language, each associated with the one before it."""
        language = int(self.generator.integers(len(self.words)))
        concept = int(self.generator.integers(len(self.cumulative)))
        tokens, targets = list(BOS), [NOTHING]
        for _ in range(length):
            word = self.words[language][concept]
            tokens += word
            targets += [*spell(word), self.follows[language][concept]]
            concept = self.neighbour(concept)
        return Row(tokens, targets)

    def pair(self) -> Row:
        """`dog = chien`, of a training concept: every other language's word may follow."""
        source, target = self.generator.choice(len(self.words), 2, replace=False)
        concept = int(self.generator.choice(self.training))
        head = BOS + self.words[source][concept] + self.equals
        others = tuple(words[concept][0] for language, words in enumerate(self.words) if language != source)
        return self._answered(head, self.words[target][concept], (others, (1 / len(others),) * len(others)))

    def prompt(self, bilingual: bool) -> Row:
        """The paper's prompt: a training concept's translation answers or, within one language, an association."""
        if bilingual:
            source, target = self.generator.choice(len(self.words), 2, replace=False)
            concept = associate = int(self.generator.choice(self.training))
            first: Target = ((self.words[target][concept][0],), (1.0,))
        else:
            source = target = int(self.generator.integers(len(self.words)))
            concept = int(self.generator.integers(len(self.cumulative)))
            associate, first = self.neighbour(concept), self.follows[source][concept]
        before, after = self.frames[target]
        return self._answered(BOS + before + self.words[source][concept] + after, self.words[target][associate], first)

    def _answered(self, head: list[int], answer: list[int], first: Target) -> Row:
        targets = [NOTHING] * (len(head) - 1) + [first] + spell(answer) + [((EOS,), (1.0,))]
        return Row(head + answer, targets)


if __name__ == "__main__":
    write_graph(read_lexicon().ids)
