"""Peak memory of a training step, each in a process of its own."""

import subprocess
import sys
import textwrap

import pytest

STEP = """
    import sys
    import numpy as np
    from keras_iresnet.benchmarks import training_step
    from keras_iresnet.runs import resolve
    blocks, remat = int(sys.argv[1]), sys.argv[2]
    overrides = {"blocks": 3 * (blocks,), "channels": 128, "remat": remat}
    flow = resolve("cifar_flow_small", overrides).build()
    flow.compile("adamax")
    images = np.random.default_rng(0).integers(256, size=(64, 32, 32, 3), dtype=np.uint8)
    flow.initialize(images)
    for _ in range(2):
        flow.train_on_batch(images)
    print(training_step._peak_memory_mib())
"""


def _peak_mebibytes(blocks, remat):
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(STEP), str(blocks), remat], capture_output=True, text=True, timeout=1800
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return float(done.stdout)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_recomputed_blocks_take_less_than_a_third_of_the_memory():
    growth = {}
    for remat in ("false", "true"):
        few, many = _peak_mebibytes(4, remat), _peak_mebibytes(16, remat)
        print(f"remat={remat}: {few:.0f} MiB with 3 x 4 blocks, {many:.0f} MiB with 3 x 16")
        growth[remat] = many - few
    assert growth["false"] > 500
    assert growth["true"] < growth["false"] / 3
