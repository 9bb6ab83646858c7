"""Families of estimators, trained on scikit-learn's own data: their packages answer as they do.

The package's own comparison is not believed: each model is run by onnxruntime here, and compared
with its estimator once more.
"""

import warnings

import numpy as np
import onnxruntime
import pytest
from sklearn import datasets
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import (
    LinearRegression,
    LogisticRegression,
    PoissonRegressor,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

CLASSIFIERS = {
    "logistic regression": LogisticRegression(max_iter=3000),
    "ridge classifier": RidgeClassifier(),
    "stochastic gradient descent": SGDClassifier(random_state=0),
    "decision tree": DecisionTreeClassifier(random_state=0),
    "random forest": RandomForestClassifier(20, random_state=0),
    "AdaBoost": AdaBoostClassifier(n_estimators=10, random_state=0),
    "gradient boosting": GradientBoostingClassifier(n_estimators=10, random_state=0),
    "histogram gradient boosting": HistGradientBoostingClassifier(max_iter=20),
    "support vectors": SVC(),
    "linear support vectors": LinearSVC(),
    "calibrated support vectors": CalibratedClassifierCV(LinearSVC(), cv=3),
    "nearest neighbours": KNeighborsClassifier(),
    "Gaussian naive Bayes": GaussianNB(),
    "Bernoulli naive Bayes": BernoulliNB(binarize=5.0),
    "multilayer perceptron": MLPClassifier((16,), max_iter=50, random_state=0),
    "discriminant analysis": LinearDiscriminantAnalysis(),
    "scaling before support vectors": make_pipeline(StandardScaler(), SVC()),
    "components before a regression": make_pipeline(
        MinMaxScaler(), PCA(3), LogisticRegression(max_iter=500)
    ),
    "voting": VotingClassifier(
        [("tree", DecisionTreeClassifier(max_depth=3)), ("bayes", GaussianNB())], voting="soft"
    ),
    "stacking": StackingClassifier(
        [("tree", DecisionTreeClassifier(max_depth=3)), ("bayes", GaussianNB())]
    ),
}

REGRESSORS = {
    "linear regression": LinearRegression(),
    "ridge": Ridge(),
    "Poisson regression": PoissonRegressor(),
    "polynomials": make_pipeline(StandardScaler(), PolynomialFeatures(2), Ridge()),
    "regression tree": DecisionTreeRegressor(max_depth=6, random_state=0),
    "random forest": RandomForestRegressor(20, random_state=0),
    "extra trees": ExtraTreesRegressor(20, random_state=0),
    "gradient boosting": GradientBoostingRegressor(n_estimators=20, random_state=0),
    "histogram gradient boosting": HistGradientBoostingRegressor(max_iter=20),
    "support vectors": make_pipeline(StandardScaler(), SVR()),
    "nearest neighbours": KNeighborsRegressor(),
}


def trained(estimator, load):
    rows, wanted = load(return_X_y=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rounds that end before convergence
        return estimator.fit(rows.astype(np.float32), wanted), rows.astype(np.float32)


def run(made, rows, name="input"):
    path = made.folder / "model.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(None, {name: rows}), strict=True))


@pytest.mark.parametrize("family", CLASSIFIERS)
def test_a_classifier_keeps_every_label_and_its_probabilities(family, save, write_csv, package):
    estimator, rows = trained(CLASSIFIERS[family], datasets.load_wine)

    made = package(save(estimator), write_csv(rows))

    answers = run(made, rows)
    assert made.compared.passed
    assert (answers["label"] == estimator.predict(rows)).all()
    if hasattr(estimator, "predict_proba"):
        assert list(answers) == ["label", "probabilities"]
        assert np.abs(answers["probabilities"] - estimator.predict_proba(rows)).max() < 1e-4
    else:
        assert list(answers) == ["label", "scores"]
        scores = estimator.decision_function(rows)
        np.testing.assert_allclose(answers["scores"], scores, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    "family", ["support vectors", "linear support vectors", "ridge classifier"]
)
def test_of_two_classes_the_score_is_the_classifiers_own(family, save, write_csv, package):
    estimator, rows = trained(CLASSIFIERS[family], datasets.load_breast_cancer)

    made = package(save(estimator), write_csv(rows))

    answers = run(made, rows)
    assert (answers["label"] == estimator.predict(rows)).all()
    assert answers["scores"].shape == (569, 1)
    assert np.abs(answers["scores"][:, 0] - estimator.decision_function(rows)).max() < 1e-3


@pytest.mark.parametrize("family", REGRESSORS)
def test_a_regressor_keeps_its_predictions(family, save, write_csv, package):
    estimator, rows = trained(REGRESSORS[family], datasets.load_diabetes)

    made = package(save(estimator), write_csv(rows))

    answers = run(made, rows)
    assert list(answers) == ["prediction"]
    assert answers["prediction"].shape == (442, 1)
    np.testing.assert_allclose(
        answers["prediction"][:, 0], estimator.predict(rows), rtol=1e-4, atol=1e-3
    )


def test_outliers_clusters_and_transformations_can_be_packaged(save, write_csv, package, tmp_path):
    rows = datasets.load_iris().data.astype(np.float32)
    path = write_csv(rows)
    forest = IsolationForest(n_estimators=20, random_state=0).fit(rows)
    clusters = KMeans(3, n_init=1, random_state=0).fit(rows)
    components = PCA(2).fit(rows)

    found = {}
    for estimator in (forest, clusters, components):
        made = package(save(estimator), path)
        found[type(estimator).__name__] = run(made, rows)
        made.folder.rename(tmp_path / type(estimator).__name__)

    assert {name: list(answers) for name, answers in found.items()} == {
        "IsolationForest": ["label", "scores"],
        "KMeans": ["label", "scores"],
        "PCA": ["transformed"],
    }
    assert (found["KMeans"]["label"] == clusters.predict(rows)).all()
    assert np.abs(found["PCA"]["transformed"] - components.transform(rows)).max() < 1e-4
