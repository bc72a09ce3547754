"""What a run needs from the machine: files, its folder, devices, processes, threads, clock.

The modules here know nothing of concepts, models or alignment.
"""
