"""The citation names the version and is balanced BibTeX."""

from jaxalign.report.page.citation import citation


def test_the_version_stands_in_the_citation():
    text = citation("1.2.3")
    assert "version = {1.2.3}" in text and "%" not in text and "2410.01079" in text
    assert text.count("{") == text.count("}") and text.count("\n@") == 1
