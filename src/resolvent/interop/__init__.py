"""How others call us: ``resolvent.interop.scipy`` has the signatures of ``scipy.sparse.linalg``; ``resolvent.interop.sklearn``
has scikit-learn's estimators."""
