"""--precision=auto asks the device once, keeps the answer, and never takes the faster mode on a CPU."""

from types import SimpleNamespace

import jax
import pytest

from jaxalign.config import Config
from jaxalign.experiment import run
from jaxalign.runtime import devices, peaks, processes, targets


@pytest.fixture
def gpu(tmp_path, monkeypatch):
    """A first device that is a GPU, an empty cache, and the list of gains that the probe will find."""
    gains: list[float] = []
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    device = SimpleNamespace(platform="gpu", device_kind="NVIDIA Some/GPU")
    monkeypatch.setattr(jax, "local_devices", lambda: [device])
    monkeypatch.setattr(peaks, "bfloat16_gain", lambda: gains.pop(0))
    return gains


@pytest.mark.parametrize(("found", "chosen"), [(5.0, "fast"), (2.0, "fast"), (1.9, "highest")])
def test_auto_is_fast_where_the_products_gain_enough(gpu, found, chosen):
    gpu.append(found)
    assert devices.resolve_precision("auto") == chosen


def test_a_given_precision_asks_no_device(gpu):
    assert [devices.resolve_precision(given) for given in ("highest", "fast")] == ["highest", "fast"]


def test_the_device_is_asked_once(gpu):
    gpu += [5.0, 1.0]
    assert devices.resolve_precision("auto") == devices.resolve_precision("auto") == "fast"
    assert gpu == [1.0]


@pytest.mark.parametrize("damage", ["", "{", '{"gain": "x"}', '{"gain": -1}', "[]"])
def test_a_damaged_answer_is_asked_for_again(gpu, tmp_path, damage):
    gpu += [5.0, 1.0]
    devices.resolve_precision("auto")
    (kept,) = (tmp_path / "jaxalign" / "precision").iterdir()
    kept.write_text(damage)
    assert devices.resolve_precision("auto") == "highest"


def test_without_a_cache_the_device_is_asked_every_time(gpu, tmp_path):
    (tmp_path / "jaxalign").write_text("no folder")
    gpu += [5.0, 1.0]
    assert [devices.resolve_precision("auto") for _ in range(2)] == ["fast", "highest"]


def test_several_hosts_do_not_measure(gpu, monkeypatch):
    monkeypatch.setattr(processes, "is_single", lambda: False)
    assert devices.resolve_precision("auto") == "highest"


def test_a_cpu_is_not_asked(monkeypatch):
    monkeypatch.setattr(peaks, "bfloat16_gain", lambda: pytest.fail("asked"))
    assert devices.resolve_precision("auto") == "highest"


def test_the_gain_is_that_of_three_times_the_width_in_bfloat16(monkeypatch):
    products, seconds = [], [6.0, 2.0]

    def time_once(product, repeats):
        products.append(product())
        return seconds[len(products) - 1]

    monkeypatch.setattr(peaks, "_best_seconds", time_once)
    assert peaks.bfloat16_gain() == 3.0
    exact, fast = products
    assert exact.dtype == fast.dtype == "float32" and exact.shape == fast.shape
    assert (fast == 3 * exact).all() and (exact == exact[0, 0]).all()


@pytest.mark.parametrize(("target", "chosen"), [("v5e-8", "fast"), ("h100", "fast"), ("cpu", "highest")])
def test_a_plan_takes_the_published_peaks(target, chosen):
    assert targets.resolve_precision("auto", targets.read_target(target)) == chosen
    assert targets.resolve_precision("highest", targets.read_target(target)) == "highest"


def test_a_run_and_a_plan_resolve_auto():
    assert run._resolved(Config(precision="auto")).precision == "highest"
    assert run._resolved(Config(suite="plan", precision="auto", target="h100")).precision == "fast"
