"""The page of a plan: every figure of its rows, text escaped, no script."""

from jaxalign.report.page import plan
from jaxalign.runtime.targets import read_target


def test_the_page_shows_every_model_and_escapes_its_name():
    stage = dict(model="<b>x</b>", stage="extraction", flops=2e12, bytes_moved=3e9, compute_seconds=0.5,
                 memory_seconds=0.25, estimates=["counted with another tokenizer"])  # fmt: skip
    text = plan.render(read_target("v5e-8"), ["model", "weights GB"], [["<b>x</b>", "13.2"]], [stage])
    assert "<b>x" not in text and text.count("&lt;b&gt;x") == 2 and "<script" not in text
    for shown in ("v5e-8", "16 GB", "13.2", "2.0", "3.0", "0.50", "0.25", "counted with another tokenizer"):
        assert shown in text
