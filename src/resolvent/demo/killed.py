"""Scene 3: a run is killed without warning half-way, resumed, and compared bit by bit with one that was left in peace."""

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["digest", "play"]


def play(console: Any, quick: bool, out: Path) -> dict[str, Any]:
    """Run, kill, resume, compare; the folders are ``out/peace`` and ``out/killed``.

    Returns
    -------
    dict
        ``at`` (systems solved when it was killed), ``counted`` (by the last checkpoint), ``digests``, ``good``.
    """
    count, size = (30, 32) if quick else (60, 64)
    words = ["run", "darcy-path", f"--count={count}", f"--size={size}", "--rtol=1e-8", "--checkpoint=0.004", "--quiet"]
    peace, broken = out / "peace", out / "killed"
    for folder in (peace, broken):
        shutil.rmtree(folder, ignore_errors=True)
    with console.status("a run in peace ..."):
        subprocess.run(_command(words, peace), check=True)
    with console.status("the same run, killed half-way ..."):
        process = subprocess.Popen(_command(words, broken))
        while _solved(broken) < count // 2 and process.poll() is None:
            time.sleep(0.002)
        process.kill()
        process.wait()
    at, counted = _solved(broken), _counted(broken)
    name = "SIGKILL" if hasattr(signal, "SIGKILL") else "TerminateProcess"
    with console.status("resumed ..."):
        subprocess.run([*_command(words, broken), "--resume"], check=True)
    digests = digest(peace), digest(broken)
    checked = subprocess.run(
        [sys.executable, "-m", "resolvent", "verify", str(broken)], capture_output=True, text=True, check=False
    )
    same = digests[0] == digests[1]
    console.print(f"killed ({name}) with {at} of {count} systems solved; its last checkpoint counts {counted}")
    console.print(f"left in peace       {digests[0][:32]}")
    console.print(f"killed and resumed  {digests[1][:32]}  [bold]{'the same bits' if same else 'NOT the same'}[/bold]")
    console.print("resolvent verify:   " + (checked.stdout.strip().splitlines() or [checked.stderr.strip()])[-1])
    return {
        "at": at,
        "count": count,
        "counted": counted,
        "signal": name,
        "digests": digests,
        "same": same,
        "verified": checked.returncode == 0,
        "words": checked.stdout.strip().splitlines(),
        "good": same and checked.returncode == 0,
        "folder": str(broken),
    }


def _command(words: list[str], folder: Path) -> list[str]:
    return [sys.executable, "-m", "resolvent", *words, "--out", str(folder)]


def _solved(folder: Path) -> int:
    log = folder / "log.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def _counted(folder: Path) -> int:
    from ..core import load_state

    try:
        return int(load_state(folder / "state.rv")["run"]["position"])
    except OSError:
        return 0


def digest(folder: Path) -> str:
    """SHA-256 over all solutions of a run, in their order."""
    total = hashlib.sha256()
    count = json.loads((folder / "manifest.json").read_text())["solved"]
    for i in range(count):
        total.update((folder / "parts" / f"{i:06d}.npy").read_bytes())
    return total.hexdigest()
