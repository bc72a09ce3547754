"""What a run needs from the machine: files, its folder or bucket, devices, processes, threads, messages, clock, peaks.

The modules here know nothing of concepts, models or alignment. `files.atomic_writer` writes every file of the package;
`log.LOGGER` takes its messages; `progress.Progress` shows what is done of a stage.
"""
