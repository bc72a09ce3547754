"""The whole path from flags to report, on real spaces against float64 NumPy, and on wrong input."""

import pytest

from jaxalign import bench
from tests.tiny import put_list


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--models={tmp}/nowhere/at/all"], "nowhere"),
        (["--languages=en,xx"], "xx"),
        (["--spaces={tmp}/nowhere"], "--spaces"),
        (["--concepts={tmp}/nowhere.tsv"], "nowhere.tsv"),
        (["--seed_size=5000"], "--seed_size"),
        (["--seed_sizes=5000"], "--seed_sizes"),
        (["--split={tmp}/nowhere.json"], "--split"),
        (["--template_names=haiku"], "--template_names"),
        (["--templates={tmp}/nowhere.tsv"], "nowhere.tsv"),
        (["--layers=99"], "--layers"),
        (["--concepts={tmp}/list.tsv", "--languages=en,fr,ja", "--csls_k=500"], "csls_k"),
    ],
)
def test_wrong_input_is_status_two_and_leaves_nothing(flags, said, tmp_path, capsys):
    put_list(tmp_path)
    flags = [flag.format(tmp=tmp_path) for flag in flags]
    assert bench.main(["bench", *flags, f"--workdir={tmp_path / 'w'}"]) == 2
    heard = capsys.readouterr()
    assert said in heard.err and "Traceback" not in heard.err and not heard.out
    assert not list((tmp_path / "w").glob("run-*"))
