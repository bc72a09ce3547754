"""`--suite=kernels` and `--suite=embed`: how fast alignment and extraction are on this device.

`align` times all pairs in one call, `stages` the steps of one pair singly, `embed` the extraction of hidden states, and
`table` prints the rows and compares them with an earlier run. The fields of a row: docs/design/throughput.md.
"""
