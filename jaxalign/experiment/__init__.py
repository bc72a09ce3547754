"""A whole run: its inputs, what is asked of each space, word translation, throughput suites.

Public face: `run.run(config)`.
"""
