"""`--suite=plan`: what a run needs on a machine that nobody has rented yet.

`work` counts the texts and tokens of the run, `programs` compiles its real programs for the target, `choose` finds the
settings that fit its memory, `bounds` gives the least time by the device's published peaks, `suite` prints and writes.
Public face: `suite.run(config, out, clock)`.
"""
