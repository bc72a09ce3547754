"""torch computes in one thread: the suite's two processes share two cores, and waiting threads of torch would spin."""

from importlib.util import find_spec

if find_spec("torch") is not None:
    import torch

    torch.set_num_threads(1)
