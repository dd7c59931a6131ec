"""A beam finds its shape: minimum-compliance design, each step one solve, shown as a film strip."""

import base64
import io
from typing import Any

import numpy as np

__all__ = ["picture", "play"]


def play(console: Any, quick: bool = False) -> dict[str, Any]:
    """Design the half beam and keep some frames, mirrored to the whole beam.

    Returns
    -------
    dict
        ``frames`` (step, picture), ``compliance``, ``steps``, ``aside`` (auto ended with the direct solver), ``good``.
    """
    from .. import Session
    from ..gallery import sequence
    from ..report.story import method_label

    size = 30 if quick else 90
    beam = sequence("topology", count=25 if quick else 80, size=size)
    session = Session(rtol=1e-8, on_fail="ignore")
    frames, ok, labels = [], True, []
    with console.status("designing ..."):
        for i, problem in enumerate(beam):
            frames.append(beam.density)
            result = session.solve(problem)
            ok = ok and result.ok
            labels.append(method_label(repr(result.method)))
            beam.feed(i, result.x)
    frames.append(beam.density)
    count = len(frames) - 1
    chosen = sorted({1, 3, 6, 12, 25, count} & set(range(count + 1)))
    aside = labels[-1] == "direct solver"
    console.print(
        f"{beam.shape[0]} x {beam.shape[1]} elements, {count} steps, compliance {beam.compliance:.2f}, all certified: {ok}"
    )
    console.print(
        f"auto ended with: {labels[-1]}"
        + (" (it stepped aside: nothing learned beats factoring here)" if aside else "")
    )
    return {
        "frames": [{"step": k, "picture": picture(_whole(frames[k]), scale=3)} for k in chosen],
        "steps": count,
        "n": beam.unknowns,
        "compliance": beam.compliance,
        "method": labels[-1],
        "aside": aside,
        "good": ok,
    }


def _whole(density: Any) -> Any:
    """The half beam and its mirror image, material dark."""
    half = 1.0 - density.T
    return np.concatenate([half[:, ::-1], half], axis=1)


def picture(gray: Any, scale: int = 1, kind: str = "png") -> str:
    """Gray values in [0, 1] as a ``data:`` address that stands in the page itself."""
    from PIL import Image  # matplotlib brings it

    pixels = (np.clip(gray, 0, 1) * 255).round().astype(np.uint8)
    image = Image.fromarray(np.kron(pixels, np.ones((scale, scale), dtype=np.uint8)))
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG" if kind == "jpeg" else "PNG", **({"quality": 85} if kind == "jpeg" else {}))
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
