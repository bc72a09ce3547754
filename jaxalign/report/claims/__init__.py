"""Claims about alignment, read from a file and judged on finished runs."""

from jaxalign.report.claims.claim_file import Claim, read
from jaxalign.report.claims.finished import Finished, read_finished
from jaxalign.report.claims.variants import vary
from jaxalign.report.claims.verdicts import Verdict, judge

__all__ = ["Claim", "Finished", "Verdict", "judge", "read", "read_finished", "vary"]
