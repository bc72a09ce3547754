"""Sources of concepts, their digest, and what is imported for them."""

import subprocess
import sys

from jaxalign.concepts import dataset
from jaxalign.types import Concepts


def test_digest_is_of_ids_and_words():
    made = Concepts(tuple("abcd"), ("other",) * 4, {"en": tuple("abcd")}, ())
    assert len(dataset.digest(made)) == 16
    assert dataset.digest(made) == dataset.digest(made._replace(filters=(("x", 1),), words=dict(made.words)))
    others = [
        made._replace(ids=made.ids[::-1]),
        made._replace(words={"en": made.ids[::-1]}),
        made._replace(words={"fr": made.ids}),
    ]
    assert len({dataset.digest(other) for other in (made, *others)}) == 4


def test_any_builtin_its_ids_and_no_others():
    assert dataset.any_builtin(("x", "dog.n.01")) and not dataset.any_builtin(("x", "0"))


def test_nltk_is_imported_only_for_wordnet():
    code = "import sys, jaxalign.concepts.dataset as c; c.load('builtin', ['en']); "
    code += "print({'nltk', 'torch'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert run.stdout.strip() == "set()"
