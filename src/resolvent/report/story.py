"""From the log to what a page says: labels, counts, what was saved and what it cost, and the sentences for it."""

import math
import re
import statistics
from typing import Any

__all__ = ["Story", "method_label"]

_NAMES = {"Direct": "direct solver", "GaussSeidel": "Gauss-Seidel"}
_INNER = {"Direct": "kept factor", "IC": "IC(0)"}


def method_label(text: str) -> str:
    """A method's repr as people say it.

    Examples
    --------
    >>> method_label("CG(preconditioner=SSOR(omega=1.85, stride=64), stride=64)"), method_label("Direct()")
    ('CG + SSOR', 'direct solver')
    """
    name = text.split("(")[0]
    inner = re.search(r"preconditioner=(\w+)(?:\(kind='(\w+)')?", text)
    if inner is None or inner.group(1) == "None":
        return _NAMES.get(name, name)
    kind = f" ({inner.group(2)})" if inner.group(2) else ""
    return f"{name} + {_INNER.get(inner.group(1), inner.group(1))}{kind}"


class Story:
    """The facts of one page, ready to be shown.

    Parameters
    ----------
    facts : dict
        From `sources`.
    """

    def __init__(self, facts: dict[str, Any]) -> None:
        self.facts = facts
        self.entries: list[dict[str, Any]] = facts["entries"]
        kinds = {str(e["certificate"].get("kind", "")) for e in self.entries if e.get("certificate")}
        linear = all("A x" in kind or "A^H r" in kind for kind in kinds)
        #: What work is counted in, and what an answer is measured from.
        self.unit = "products" if linear else "units"
        self.alone = "A, b and x alone" if linear else "x and the problem's own data alone"
        for place, entry in enumerate(self.entries):
            entry["place"] = place
            entry["label"] = method_label(entry["method"])
            entry["cost"] = float(entry["setup"]) + float(entry["running"])
            entry["events"] = _events(entry)
            entry["ratio"] = _ratio(entry)
            cold = entry.get("cold")
            entry["hurt"] = bool(cold) and not entry["trial"] and entry["cost"] > 1.05 * cold + 6
        counts: dict[str, int] = {}
        for entry in self.entries:
            counts[entry["label"]] = counts.get(entry["label"], 0) + 1
        self.labels = sorted(counts, key=lambda label: (-counts[label], label))
        self.counts = counts

    # ---- figures of merit ------------------------------------------------------------------------------------------

    @property
    def good(self) -> bool:
        """Every solve met its tolerance."""
        return self.facts["solved_all"] == self.facts["total"] and self.facts["complete"]

    def against_cold(self) -> tuple[float, float]:
        """The cost of the solves for which a cold cost is known, and that cold cost."""
        known = [e for e in self.entries if e.get("cold")]
        return sum(e["cost"] for e in known), sum(float(e["cold"]) for e in known)

    def cards(self) -> list[dict[str, str]]:
        """The few large numbers at the top."""
        total, solved = self.facts["total"], self.facts["solved_all"]
        seconds = sum(float(e["seconds"]) for e in self.entries)
        typical = statistics.median(e["cost"] for e in self.entries)
        spent, cold = self.against_cold()
        cards = [
            {"value": f"{solved} of {total}", "name": "certified", "tone": "good" if solved == total else "bad"},
            {"value": f"{typical:.0f}", "name": f"{self.unit} a system, typically"},
            {"value": _seconds(seconds), "name": f"inside the solver{self._compiled(seconds)}"},
        ]
        if cold > 0 and self.facts["learners"]:
            part = 1.0 - spent / cold
            word = "less work than cold" if part >= 0 else "more work than cold"
            cards.insert(
                2, {"value": f"{abs(part):.0%}", "name": f"{word} (estimate)", "tone": "bad" if part < -0.05 else ""}
            )
        return cards

    def _compiled(self, seconds: float) -> str:
        """Where most of the time went into the first solve, in which kernels are compiled."""
        first = float(self.entries[0]["seconds"])
        return (
            f", {_seconds(first)} of it in the first" if seconds - first < first > 0.5 and len(self.entries) > 1 else ""
        )

    # ---- sentences -------------------------------------------------------------------------------------------------

    def sentences(self) -> list[str]:
        """What happened, for somebody who has a minute."""
        return [s for s in (self._certified(), self._chosen(), self._kept(), self._hurt(), self.facts["note"]) if s]

    def _certified(self) -> str:
        claims = [e["ratio"] for e in self.entries if e["ok"] and e["ratio"] is not None]
        failed = [e for e in self.entries if not e["ok"]]
        worst = f" The largest recomputed residual is {_part(max(claims))} of what was allowed." if claims else ""
        if not failed:
            number = f"All {len(self.entries)} systems meet" if len(self.entries) > 1 else "The system meets"
            return f"{number} the tolerance, and the residual of each was computed again from {self.alone}.{worst}"
        return (
            f"{len(failed)} of {len(self.entries)} systems did not meet the tolerance; each says why in the table of "
            f"certificates.{worst}"
        )

    def _chosen(self) -> str:
        if not self.facts["auto"]:
            return f"The method was given: {self.labels[0]}." if self.labels else ""
        last = self.entries[-1]["label"]
        since = next((e for e in reversed(self.entries) if e["label"] != last and not e["trial"]), None)
        begin = 0 if since is None else since["place"] + 1
        trials = sum(e["trial"] for e in self.entries)
        looked = f" It tried something else on {trials} systems." if trials else ""
        if last == "direct solver":
            when = "from the first system on" if begin == 0 else f"from solve {begin} on"
            return (
                f"auto stepped aside: {when} it uses the direct solver, because factoring each matrix costs less here "
                f"than anything that was learned. What remains of resolvent is the certificate.{looked}"
            )
        if begin == 0:
            return f"auto used {last} throughout.{looked}" if not looked else f"auto stays with {last}.{looked}"
        return f"auto settled on {last} from solve {begin} on.{looked}"

    def _kept(self) -> str:
        kept = sum(bool(e["kept"]) for e in self.entries)
        guesses = sum(bool(e["guess"]) for e in self.entries)
        parts = []
        if kept:
            parts.append(f"a set-up of an earlier matrix was used again {_times(kept)}")
        if guesses:
            parts.append(f"a first guess made of earlier solutions was used {_times(guesses)}")
        spent, cold = self.against_cold()
        if not parts and not self.facts["learners"]:
            return "Nothing was carried from one system to the next: no learner was at work."
        if not parts:
            return "Nothing but parameters was carried from one system to the next."
        saved = ""
        if cold > 0:
            word = "saved" if spent <= cold else "cost"
            saved = (
                f" Against solving every system from zero with nothing carried (an estimate) the sequence {word} "
                f"{abs(cold - spent):,.0f} {self.unit}{' more' if spent > cold else ''}, trials included; all of it cold would "
                f"be {cold:,.0f}."
            )
        text = " and ".join(parts)
        return f"{text[0].upper()}{text[1:]}.{saved}"

    def _hurt(self) -> str:
        hurt = [e for e in self.entries if e["hurt"]]
        if not self.facts["learners"] or not any(e.get("cold") for e in self.entries):
            return ""
        if not hurt:
            return f"It hurt nowhere: no system outside a trial cost more than 5 % and 6 {self.unit} above cold."
        worst = max(hurt, key=lambda e: e["cost"] - e["cold"])
        return (
            f"It hurt {_times(len(hurt))}, by more than 5 % and 6 {self.unit} above cold; the worst was system "
            f"{worst['index']}: {worst['cost']:.0f} {self.unit} where {worst['cold']:.0f} were estimated."
        )

    # ---- tables ----------------------------------------------------------------------------------------------------

    def methods(self) -> list[dict[str, Any]]:
        """One row for each method used."""
        rows = []
        for k, label in enumerate(self.labels):
            mine = [e for e in self.entries if e["label"] == label]
            rows.append(
                {
                    "colour": k % 8,
                    "label": label,
                    "count": len(mine),
                    "cost": statistics.median(e["cost"] for e in mine),
                    "steps": statistics.median(e["steps"] for e in mine),
                    "ms": 1e3 * statistics.median(e["seconds"] for e in mine),
                }
            )
        return rows

    def savings(self) -> list[dict[str, Any]]:
        """One row for each way in which a system was met: how often, at what cost, against cold."""
        groups = (
            ("a kept set-up", lambda e: e["kept"] and not e["trial"] and not e["retried"]),
            ("a first guess", lambda e: e["guess"] and not e["kept"] and not e["trial"] and not e["retried"]),
            ("nothing carried", lambda e: not (e["kept"] or e["guess"] or e["trial"] or e["retried"])),
            ("a trial", lambda e: e["trial"]),
            ("a second attempt", lambda e: e["retried"] and not e["trial"]),
        )
        rows = []
        for name, belongs in groups:
            mine = [e for e in self.entries if belongs(e)]
            if not mine:
                continue
            known = [e for e in mine if e.get("cold")]
            saved = sum(float(e["cold"]) - e["cost"] for e in known)
            hurt = sum(e["hurt"] for e in mine)
            cost = sum(e["cost"] for e in mine) / len(mine)
            rows.append(
                {"name": name, "count": len(mine), "cost": cost, "saved": saved if known else None, "hurt": hurt}
            )
        return rows

    def certificates(self) -> dict[str, Any]:
        """What the answers are known to be worth."""
        first: dict[str, Any] = next((e["certificate"] for e in self.entries if e.get("certificate")), {})
        claims = sorted(e["ratio"] for e in self.entries if e["ok"] and e["ratio"] is not None)
        failures = [e for e in self.entries if not e["ok"]]
        return {
            "kind": first.get("kind", "the problem's own measure"),
            "strength": first.get("strength", "recomputed from x and the problem's data alone"),
            "claims": len([e for e in self.entries if e["ok"]]),
            "worst": claims[-1] if claims else None,
            "median": statistics.median(claims) if claims else None,
            "failures": failures[:20],
            "more": max(0, len(failures) - 20),
        }


def _events(entry: dict[str, Any]) -> list[str]:
    """What was special about one solve, in the order of the lanes below the picture."""
    fresh = entry["setup"] > 0 and not entry["kept"] and "factor" in " ".join(entry["work"])
    built = fresh or any(name.startswith(("hierarchy", "ic_")) for name in entry["work"])
    found = (
        ("kept set-up", bool(entry["kept"])),
        ("fresh set-up", bool(built)),
        ("first guess", bool(entry["guess"])),
        ("trial", bool(entry["trial"])),
        ("second attempt", bool(entry["retried"])),
        ("not solved", not entry["ok"]),
    )
    return [name for name, so in found if so]


def _ratio(entry: dict[str, Any]) -> float | None:
    residual, tolerance = entry.get("residual"), entry.get("tolerance")
    if residual is None or tolerance is None or not math.isfinite(residual):
        return None
    return residual / tolerance if tolerance > 0 else (0.0 if residual == 0 else None)


def _part(value: float) -> str:
    return f"{value:.3f}" if value >= 0.1 else f"{value:.1g}"


def _times(count: int) -> str:
    return "once" if count == 1 else "twice" if count == 2 else f"{count} times"


def _seconds(value: float) -> str:
    if value < 1:
        return f"{1e3 * value:.0f} ms"
    return f"{value:.1f} s" if value < 100 else f"{value / 60:.1f} min"
