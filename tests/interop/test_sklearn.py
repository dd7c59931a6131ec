"""The estimators are scikit-learn's in behaviour, agree with its own, and report true gaps."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp

linear = pytest.importorskip("sklearn.linear_model", reason="needs the extra sklearn")
from sklearn.utils.estimator_checks import parametrize_with_checks  # noqa: E402

from resolvent.interop import sklearn as ours  # noqa: E402


@parametrize_with_checks(
    [
        ours.Lasso(),
        ours.ElasticNet(),
        ours.GroupLasso(),
        ours.LogisticRegression(),
        ours.LogisticRegression(l1_ratio=1.0),
    ]
)
def test_scikit_learn_checks(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


@pytest.mark.full
@parametrize_with_checks([ours.LassoCV(n_alphas=10), ours.ElasticNetCV(n_alphas=10), ours.GroupLassoCV(n_alphas=10)])
def test_scikit_learn_checks_of_cross_validation(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def data(seed=0, n=60, p=30):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 1.0
    return X, X[:, :4] @ [1.0, -2.0, 0.5, 1.5] + 4.0 + 0.5 * rng.standard_normal(n)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
def test_they_agree_with_scikit_learn(sparse, intercept):
    X, y = data()
    given = sp.csr_array(X) if sparse else X
    a = ours.Lasso(0.1, tol=1e-13, fit_intercept=intercept).fit(given, y)
    b = linear.Lasso(0.1, tol=1e-14, max_iter=100_000, fit_intercept=intercept).fit(X, y)
    assert np.allclose(a.coef_, b.coef_, atol=1e-6) and a.intercept_ == pytest.approx(b.intercept_, abs=1e-5)
    c = ours.ElasticNet(0.2, l1_ratio=0.3, tol=1e-13, fit_intercept=intercept).fit(given, y)
    d = linear.ElasticNet(0.2, l1_ratio=0.3, tol=1e-14, max_iter=100_000, fit_intercept=intercept).fit(X, y)
    assert np.allclose(c.coef_, d.coef_, atol=1e-6)
    labels = np.where(y > np.median(y), "up", "down")
    e = ours.LogisticRegression(C=0.5, tol=1e-12, fit_intercept=intercept).fit(given, labels)
    f = linear.LogisticRegression(C=0.5, tol=1e-10, max_iter=10_000, fit_intercept=intercept).fit(X, labels)
    assert np.allclose(e.coef_, f.coef_, atol=1e-4) and np.allclose(e.intercept_, f.intercept_, atol=1e-4)
    assert np.allclose(e.predict_proba(given), f.predict_proba(X), atol=1e-4)


def test_the_gap_reported_is_the_true_one():
    X, y = data()
    for tol in (1e-3, 1e-6, 1e-10):
        found = ours.Lasso(0.1, tol=tol).fit(X, y)
        centred = X - X.mean(axis=0)
        r = y - X @ found.coef_ - found.intercept_
        n = len(y)
        least = 0.5 * r @ r / n + 0.1 * np.abs(found.coef_).sum()
        t = min(1.0, 0.1 / (np.max(np.abs(centred.T @ r)) / n))
        a, b = r @ (y - y.mean()) / n, r @ r / n
        bound = 0.1 / (np.max(np.abs(centred.T @ r)) / n)
        t = min(max(a / b, -bound), bound)
        gap = least - (t * a - 0.5 * t * t * b)
        assert found.dual_gap_ == pytest.approx(gap, rel=1e-3, abs=1e-13)
        assert gap <= tol * 0.5 * np.var(y) + 1e-14


def test_a_path_equals_its_fits_and_its_gaps_are_met():
    X, y = data()
    alphas, coefs, gaps = ours.Lasso(tol=1e-10).path(X, y, n_alphas=20)
    assert np.all(np.diff(alphas) < 0) and not coefs[:, 0].any() and np.all(gaps <= 1e-10 * 0.5 * np.var(y))
    for i in (3, 11, 19):
        assert np.allclose(coefs[:, i], ours.Lasso(alphas[i], tol=1e-12).fit(X, y).coef_, atol=1e-4)
    alphas, coefs, _ = ours.LogisticRegression(l1_ratio=1.0, tol=1e-8).path(X, y > 5.0, n_alphas=5, eps=0.1)
    assert coefs.shape == (30, 5) and np.count_nonzero(coefs[:, -1]) > 0 and not coefs[:, 0].any()


@pytest.mark.parametrize("name", ["LassoCV", "ElasticNetCV"])
def test_cross_validation_chooses_what_scikit_learn_chooses(name):
    X, y = data()
    alphas = np.geomspace(1.0, 0.001, 15)
    a = getattr(ours, name)(alphas=alphas, cv=4, tol=1e-10).fit(X, y)
    b = getattr(linear, name)(alphas=alphas, cv=4, tol=1e-10, max_iter=100_000).fit(X, y)
    assert a.alpha_ == pytest.approx(b.alpha_) and np.allclose(a.loss_path_, b.mse_path_, rtol=1e-4)
    assert np.allclose(a.coef_, b.coef_, atol=1e-4)


def test_groups_and_classes_cross_validated():
    X, y = data()
    groups = ours.GroupLassoCV(groups=5, n_alphas=10, cv=3).fit(X, y)
    assert groups.score(X, y) > 0.9 and groups.loss_path_.shape == (10, 3)
    classes = ours.LogisticRegressionCV(n_alphas=8, cv=3).fit(X, y > 5.0)
    assert classes.score(X, y > 5.0) > 0.8 and classes.alpha_ in classes.alphas_


def classes(seed=0, n=90, p=8, c=3):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p))
    return X, np.array(list("abcdef"))[np.argmax(X[:, :c] + 0.4 * rng.standard_normal((n, c)), axis=1)]


@pytest.mark.parametrize("sparse", [False, True])
def test_several_classes_are_fitted_one_against_the_rest(sparse):
    from sklearn.multiclass import OneVsRestClassifier

    X, y = classes()
    given = sp.csr_array(X) if sparse else X
    one = ours.LogisticRegression(C=0.7, tol=1e-12).fit(given, y)
    rest = OneVsRestClassifier(linear.LogisticRegression(C=0.7, tol=1e-10, max_iter=10_000)).fit(X, y)
    assert one.coef_.shape == (3, 8) and one.intercept_.shape == one.n_iter_.shape == (3,)
    assert np.allclose(one.coef_, [e.coef_[0] for e in rest.estimators_], atol=1e-5)
    assert np.allclose(one.predict_proba(given), rest.predict_proba(X), atol=1e-5)
    assert np.array_equal(one.predict(given), rest.predict(X)) and one.classes_.tolist() == ["a", "b", "c"]
    assert 0.0 <= one.dual_gap_ <= 1e-12
    assert np.allclose(np.exp(one.predict_log_proba(given)).sum(axis=1), 1.0)


def test_paths_and_folds_of_several_classes():
    X, y = classes()
    alphas, coefs, gaps = ours.LogisticRegression(l1_ratio=1.0, tol=1e-10).path(X, y, n_alphas=5, eps=0.1)
    assert coefs.shape == (3, 8, 5) and not coefs[:, :, 0].any() and np.all(gaps <= 1e-10)
    single = ours.LogisticRegression(l1_ratio=1.0, C=1.0 / (alphas[3] * len(y)), tol=1e-12).fit(X, y)
    assert np.allclose(coefs[:, :, 3], single.coef_, atol=1e-4)
    chosen = ours.LogisticRegressionCV(n_alphas=6, cv=3).fit(X, y)
    assert chosen.score(X, y) > 0.6 and chosen.loss_path_.shape == (6, 3) and chosen.coef_.shape == (3, 8)
    rare = y.copy()
    rare[0] = "z"
    with pytest.warns(UserWarning, match="least populated"), pytest.raises(ValueError, match="fewer folds"):
        ours.LogisticRegressionCV(n_alphas=6, cv=3).fit(X, rare)


@pytest.mark.parametrize(
    ("estimator", "says"),
    [
        (ours.Lasso(-1.0), "not negative"),
        (ours.GroupLasso(groups=[[0, 1], [1, 2]]), "overlap"),
        (ours.ElasticNet(l1_ratio=2.0), "from 0 to 1"),
        (ours.Lasso(max_iter=0), "at least 1"),
    ],
)
def test_bad_parameters_get_one_sentence(estimator, says):
    with pytest.raises(ValueError, match=says):
        estimator.fit(*data())


def test_a_fit_that_does_not_converge_says_so():
    from sklearn.exceptions import ConvergenceWarning

    X, y = data()
    with pytest.warns(ConvergenceWarning, match="BUDGET"):
        ours.GroupLasso(0.001, groups=5, max_iter=1, tol=1e-14).fit(X, y)
