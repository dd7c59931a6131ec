"""Random mutations of session files: refused, or a session that certifies; no code runs, nothing else is opened."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("fuzz_state.py")


@pytest.mark.parametrize("count", [250, pytest.param(20_000, marks=pytest.mark.full)])
def test_mutated_session_files(count):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), str(count), "11"], capture_output=True, text=True, timeout=1500, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "code that ran: 0" in done.stdout and "'other'" not in done.stdout
    assert "'refused'" in done.stdout and "'loaded'" in done.stdout
