"""`soak --dask`: every case is counted once, also when a worker is killed in the middle."""

import json
import time

from bench import soak
from distributed import Client
from tests.sw.driver.test_cluster import kill_one
from tests.sw.explore.test_explore_dask import scheduler, workers


def test_a_worker_is_killed(tmp_path, monkeypatch):
    def case(seed: int, networks: int, index: int) -> tuple[int, dict]:
        """Without its engine, whose compilation takes a minute."""
        time.sleep(0.1)
        differs = [f"case {index}"] if index == 3 else []
        return index, {"networks": networks, "frames": index, "differences": differs}

    add = soak.Summary.add

    def kill_after_five(summary, index: int, found: dict) -> None:
        add(summary, index, found)
        if summary.cases == 5:
            kill_one(address)

    monkeypatch.setattr(soak, "one_case", case)
    monkeypatch.setattr(soak.Summary, "add", kill_after_five)
    file = tmp_path / "soak.json"
    with scheduler(tmp_path) as (address, _), workers(address, "--nworkers", 2):
        with Client(address, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=60)
        status = soak.main(
            ["4", "--seed", "3", "--networks", "2", "--dask", address, "--json", str(file)]
        )
    done = json.loads(file.read_text())
    count = done["engines"]
    # Every index from 0 on, each once: nothing is lost, nothing is counted twice.
    assert count > 5 and done["frames"] == sum(range(count))
    assert done["networks"] == 2 * count
    assert status == 1
    assert [each["lines"] for each in done["differences"]] == [["case 3"]]
    assert done["differences"][0]["command"].endswith("soak_case 3 3 --networks 2")
