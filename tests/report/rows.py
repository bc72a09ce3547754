"""Single result rows, for tests of what the page makes of them."""

from jaxalign.report.results import MEAN

SERIES = dict(model="lab/thing-1b", embedding="vanilla", pooling="last", layer=4, retrieval="csls", csls_k=10,
              candidates="all", completion="drop")  # fmt: skip


def row(value, source=MEAN, target=MEAN, setting="after", subset="all", metric="P@1", seed_size=20, **changes):
    """A row of the series above, with an interval of 0.1 to either side unless `low` and `high` say otherwise."""
    made = SERIES | dict(setting=setting, seed_size=seed_size, subset=subset, metric=metric, source=source,
                         target=target, value=value, low=value - 0.1, high=value + 0.1, count=40)  # fmt: skip
    return made | changes
