"""A command line called in this process."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent.gallery import save_system


@pytest.fixture
def call(capsys):
    """``call(*words)`` -> (exit status, stdout, stderr)."""

    cli = pytest.importorskip("resolvent.cli", reason="typer and rich are not installed", exc_type=ImportError)

    def run(*words):
        code = cli.run([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run


@pytest.fixture
def system(tmp_path):
    A = sp.diags_array([-np.ones(29), 3 * np.ones(30), -np.ones(29)], offsets=[-1, 0, 1]).tocsr()
    save_system(tmp_path / "A.mtx", rv.LinearSystem(A, np.arange(30.0)))
    return tmp_path / "A.mtx", A, np.arange(30.0)
