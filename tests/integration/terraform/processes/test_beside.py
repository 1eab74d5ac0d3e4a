"""A program that a check runs where Terraform would run."""

from __future__ import annotations

import pytest

from tests.integration.terraform.bench import ONE_RESOURCE, SECRET, Bench

SCRIPT = """
import os, sys
print(os.path.basename(os.getcwd()), os.environ.get("SMOKE_TOKEN"), sorted(os.listdir(".")))
print("GATEWRIGHT" in " ".join(os.environ))
sys.exit(int(sys.argv[1]))
"""


@pytest.mark.parametrize("code", [0, 3])
async def test_its_exit_code_and_redacted_words_come_back(bench: Bench, code: int) -> None:
    bench.write({"terraform/main.tf": ONE_RESOURCE, "terraform/smoke.py": SCRIPT})
    job = bench.job(environment={"SMOKE_TOKEN": SECRET})

    ended, words = await bench.terraform.run_beside(job, ["python3", "smoke.py", str(code)])

    assert ended == code
    assert words.startswith("terraform ")
    assert "smoke.py" in words
    assert "False" in words
    assert SECRET not in words


async def test_a_program_that_takes_too_long_is_stopped(bench: Bench) -> None:
    bench.write({"terraform/main.tf": ONE_RESOURCE})

    assert await bench.terraform.run_beside(bench.job(timeout=0.5), ["sleep", "60"]) == (
        124,
        "its time was over",
    )


async def test_a_program_that_is_not_there_has_failed(open_bench: Bench) -> None:
    open_bench.write({"terraform/main.tf": ONE_RESOURCE})

    code, words = await open_bench.terraform.run_beside(open_bench.job(), ["/no/such/program"])

    assert code != 0
    assert "/no/such/program" in words


async def test_files_are_handed_to_one_program_for_its_time_only(bench: Bench) -> None:
    script = "import os, stat; at = os.environ['HANDED_OVER']; print(open(at).read(), oct(os.stat(at).st_mode)[-3:])"
    bench.write({"terraform/main.tf": ONE_RESOURCE})

    code, words = await bench.terraform.run_beside(
        bench.job(), ["python3", "-c", script], files={"HANDED_OVER": "what it says"}
    )

    assert (code, words) == (0, "what it says 600")
    assert list(bench.root.rglob("handed_over")) == []
