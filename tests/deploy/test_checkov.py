"""checkov over everything that is deployed; `make checkov` puts it into .tools."""

import os
import subprocess

import pytest
from chart import REPOSITORY

HOME = REPOSITORY / ".tools/checkov/bin/checkov"


@pytest.mark.slow
@pytest.mark.skipif(not os.access(HOME, os.X_OK), reason="checkov is not here: run `make checkov`")
def test_nothing_is_wrong_but_for_explained_exceptions() -> None:
    done = subprocess.run(
        [REPOSITORY / "tools/checkov"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-4000:]


def test_every_exception_has_its_reason() -> None:
    lines = (REPOSITORY / ".checkov.yaml").read_text("utf-8").splitlines()
    skipped = [at for at, line in enumerate(lines) if line.strip().startswith("- CKV")]
    assert skipped
    assert all(lines[at - 1].strip().startswith("#") for at in skipped)
