"""How others call us: ``resolvent.interop.scipy`` has the signatures of ``scipy.sparse.linalg``."""
