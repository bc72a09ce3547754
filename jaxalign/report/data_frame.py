"""The result rows of a finished run as a pandas DataFrame."""

from pathlib import Path
from typing import TYPE_CHECKING

from jaxalign.report import files
from jaxalign.types import InputError

if TYPE_CHECKING:
    import pandas


def read_results(path: str | Path) -> "pandas.DataFrame":
    """Returns all result rows of a finished run, one row per figure.

    `path` is the folder of a run (`runs/run-0001`), its `results.parquet` or its `results.jsonl`. The columns are
    those of `jaxalign.metrics.rows.COLUMNS`; `value`, `low` and `high` are fractions between 0 and 1 for P@k and
    MRR.
    Raises InputError where pandas is not installed or the run has no readable results.
    """
    try:
        import pandas
    except ImportError as error:
        raise InputError(
            "Expected pandas to be installed, got no such package. Install it with: pip install 'jaxalign[tables]'."
        ) from error
    file = files.results_file(path)
    return files.read_table(file).to_pandas() if file.suffix == ".parquet" else pandas.DataFrame(files.read_rows(file))
