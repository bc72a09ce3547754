"""A WordNet of twelve synsets with French and Romanian tables, as files of nltk's data."""

# offset: lemmas, hypernym links
SYNSETS = {
    1740: (["entity"], []),
    1930: (["physical_entity"], [("@", 1740)]),
    2137: (["abstraction"], [("@", 1740)]),
    3000: (["animal"], [("@", 1930)]),
    4000: (["dog", "domestic_dog"], [("@", 3000)]),
    4100: (["cat"], [("@", 3000)]),
    5000: (["feeling"], [("@", 2137)]),
    5100: (["love"], [("@", 5000)]),
    6000: (["gold"], [("@", 1930), ("@", 5100)]),
    7000: (["thing"], [("@", 1740)]),
    8000: (["Lassie"], [("@i", 4000)]),
    9000: (["cat"], [("@", 5000)]),
}
FRENCH = {
    3000: ["animal"],
    4000: ["chien|fr:chien domestique", "clébard"],
    4100: ["&nbsp;", "Chat"],
    5000: ["sensation b%C3%A9nigne"],
    5100: ["amour"],
    6000: ["or"],
    7000: ["chose"],
    8000: ["Lassie"],
    9000: ["chatte"],
}
ROMANIAN = {4000: ["câine"], 4100: ["pisică"], 5100: ["şansă"], 6000: ["aur"], 9000: ["pisicuţă"], 5000: [" "]}


def noun_files() -> tuple[str, str]:
    data, senses = "  1 a licence\n", {}
    for offset, (lemmas, links) in SYNSETS.items():
        words = " ".join(f"{lemma} 0" for lemma in lemmas)
        pointers = " ".join(f"{sign} {to:08d} n 0000" for sign, to in links)
        data += f"{offset:08d} 03 n {len(lemmas):02x} {words} {len(links):03d} {pointers} | a gloss @ 00001740  \n"
        for lemma in lemmas:
            senses.setdefault(lemma.lower(), []).append(f"{offset:08d}")
    lines = [f"{lemma} n {len(at)} 1 @ {len(at)} 0 {' '.join(at)}  \n" for lemma, at in sorted(senses.items())]
    return data, "  1 a licence\n" + "".join(lines)


def table(code: str, lemmas: dict[int, list[str]]) -> str:
    lines = [f"{offset:08d}-n\t{code}:lemma\t{lemma}\n" for offset, words in lemmas.items() for lemma in words]
    other = f"00004000-v\t{code}:lemma\tverb\n00004000-n\t{code}:def\t0\ta definition\n00004000-n\txxx:lemma\tno\n"
    return f"# A wordnet\t{code}\thttps://example.org\tCC BY\n{other}{''.join(lines)}"
