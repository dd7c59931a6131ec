"""Block descent on a sparse quadratic with forests as blocks, each solved exactly by message passing.

    w_b = H_bb^-1 (c_b - H_bc w_c),   b a set of nodes on which the graph of H has no cycle

The nodes are parted into forests once per pattern: greedily in the order of the nodes, by union-find. A forest is solved
by elimination from the leaves to the roots, O(|b|) and without fill; a tridiagonal (or any tree-shaped) H is one forest
and is solved in one step.

Step: one forest: about one product's work for all of them together. Leaves ``residual``, the gradient's 2-norm. Not for
dense H, whose forests are pairs.

Reference: Nutini, Laradji, Schmidt, JMLR 23 (2022), section 5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from ... import kernels
from ...core import State

__all__ = ["ForestDescent", "forests"]


def forests(H: Any) -> list[Any]:
    """Node sets that part the graph of H, none with a cycle.

    Parameters
    ----------
    H : CSR array, shape (n, n), symmetric

    Returns
    -------
    list of ndarray of int64
    """
    n = H.shape[0]
    taken = np.zeros(n, dtype=np.bool_)
    ip, ix = H.indptr.astype(np.int64), H.indices.astype(np.int64)
    parent, chosen = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int64)
    near = np.empty(int(np.max(np.diff(ip))) + 1, dtype=np.int64)
    found = []
    while not taken.all():
        left = np.flatnonzero(~taken)
        size = kernels.blocks.forest(ip, ix, taken, left, len(left), parent, near, chosen)
        found.append(chosen[:size].copy())
        taken[chosen[:size]] = True
    return found


def rooted(H: Any, nodes: Any) -> tuple[Any, Any]:
    """The nodes of a forest, parents first, and the parent of each (-1 for a root)."""
    part = H[nodes][:, nodes]
    _, labels = sp.csgraph.connected_components(part, directed=False)
    order, parents = [], np.full(len(nodes), -1)
    for root in np.unique(labels, return_index=True)[1]:
        walk, before = sp.csgraph.breadth_first_order(part, root, directed=False)
        parents[walk[1:]] = before[walk[1:]]
        order.append(walk)
    order = np.concatenate(order)
    return nodes[order], np.where(parents[order] >= 0, nodes[parents[order]], -1)


class ForestState(State):
    """The iterate and the forests."""

    w: Any
    parts: tuple[Any, ...]
    at: int


@dataclass(frozen=True)
class ForestDescent:
    """Cyclic descent over forests, each solved exactly in time proportional to its nodes.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> H = sp.diags_array([-np.ones(99), 2.1 * np.ones(100), -np.ones(99)], offsets=[-1, 0, 1]).tocsc()
    >>> problem = rv.Composite(rv.Quadratic(H, np.ones(100)), rv.L1(0.0))
    >>> rv.solve(problem, rv.ForestDescent(), rtol=1e-10).steps
    1
    """

    needs = frozenset({"columns", "quadratic", "smooth", "sparse"})
    sees = frozenset({"residual"})

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> ForestState:
        """Part the graph, once per design."""
        state = ForestState()
        design = problem.loss.design
        H = sp.csr_array(design.csc)
        H.sort_indices()
        kept = design.__dict__.get("_forests")
        if kept is None:
            pairs = [rooted(H, nodes) for nodes in forests(H)]
            kept = design.__dict__["_forests"] = pairs
            problem.work.add("products", 4, part="setup")
        ups = []
        for nodes, parents in kept:
            up = np.full(problem.n, -2, dtype=np.int64)
            up[nodes] = parents
            ups.append(up)
        scratch = np.empty(problem.n), np.empty(problem.n)
        state.parts = (H, H.indptr.astype(np.int64), H.indices.astype(np.int64), kept, ups, scratch)
        state.w = np.zeros(problem.n, dtype=problem.dtype) if x0 is None else np.array(x0, dtype=problem.dtype)
        state.at = 0
        self._look(problem, state)
        return state

    def _look(self, problem: Any, state: ForestState) -> None:
        problem.work.add("products")
        state.seen["residual"] = float(np.linalg.norm(state.parts[0] @ state.w - problem.loss.target))

    def step(self, problem: Any, state: ForestState) -> None:
        """Solve the next forest."""
        H, ip, ix, kept, ups, (pivot, load) = state.parts
        q = state.at % len(kept)
        nodes, up = kept[q][0], ups[q]
        c = problem.loss.target
        kernels.blocks.sweep_tree(ip, ix, H.data, state.w, c, nodes, up, 0, len(nodes), pivot, load)
        problem.work.add("products", len(nodes) / problem.n)
        state.at += 1
        state.k += 1
        self._look(problem, state)

    def solution(self, problem: Any, state: ForestState) -> Any:
        """The iterate."""
        return state.w.copy()

    def harvest(self, problem: Any, state: ForestState) -> dict[str, Any]:
        """Nothing: the forests stay with the design."""
        return {}
