"""The command line, telling on stderr's last line which pairs it computed itself; `--die-at=N`: killed at the N-th."""

import json
import os
import signal
import sys

from jaxalign import bench
from jaxalign.evaluation import warm_up
from jaxalign.evaluation.engine import Engine

seen: list[tuple[str, ...]] = []
real = Engine._rank_pair
die_at = next((int(word[9:]) for word in sys.argv if word.startswith("--die-at=")), 0)


def counted(engine, spaces, item):
    if set(engine._languages) <= set(warm_up.LANGUAGES):  # numbers of no language, to compile programs ahead
        return real(engine, spaces, item)
    names = (engine._languages[place] for place in (item.first, item.second))
    setting = item.setting
    seen.append((*names, setting.name, str(setting.seed_size), str(setting.draw), engine._options.retrieval))
    if len(seen) == die_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(engine, spaces, item)


def told(argv: list[str]) -> int:
    try:
        return main([word for word in argv if not word.startswith("--die-at=")])
    finally:
        print(json.dumps(seen), file=sys.stderr, flush=True)


if __name__ == "__main__":
    Engine._rank_pair = counted
    main, bench.main = bench.main, told
    bench.app()
