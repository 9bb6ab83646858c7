"""Several files and environments at once."""

from modelway.errors import ArtifactError
from modelway.spec.review import review_files

MODEL = "model:\n  path: fraud.onnx\n"
LOCAL_ONLY = "name: fraud\n" + MODEL


def lines(review):
    return [(problem.line, problem.path, problem.message) for problem in review.problems]


def test_a_good_file_has_no_problems_in_its_own_environments(write_spec):
    path = write_spec(LOCAL_ONLY + "environments:\n  local:\n")

    (review,) = review_files([path])

    assert (review.file, review.environments, review.problems) == (str(path), ("local",), ())
    assert review.spec.name == "fraud"


def test_a_file_without_environments_is_checked_for_the_emulators(write_spec):
    (review,) = review_files([write_spec(LOCAL_ONLY)])

    assert review.environments == ("local",)


def test_a_problem_of_the_base_is_told_once_with_its_environments(write_spec):
    path = write_spec(LOCAL_ONLY + "environments:\n  local:\n  dev:\n  prod:\n")

    (review,) = review_files([path])

    assert lines(review) == [
        (1, "image", "is missing: only environment `local` does without (in dev, prod)")
    ]


def test_a_problem_of_an_override_is_shown_in_its_own_line(write_spec):
    text = LOCAL_ONLY + "environments:\n  local:\n    logging:\n      retention_days: 2\n"

    (review,) = review_files([write_spec(text)])

    assert lines(review) == [
        (
            7,
            "environments.local.logging.retention_days",
            "is not a retention that CloudWatch Logs offers",
        )
    ]


def test_only_the_environments_asked_for_are_checked(write_spec):
    path = write_spec(LOCAL_ONLY + "environments:\n  local:\n  dev:\n")

    (review,) = review_files([path], ["local"])

    assert (review.environments, review.problems) == (("local",), ())


def test_every_file_is_checked_even_after_a_broken_one(write_spec):
    broken = write_spec("name: [", "broken.yaml")
    wrong = write_spec("name: churn\n", "wrong.yaml")
    good = write_spec(LOCAL_ONLY, "good.yaml")

    reviews = review_files([broken, wrong, good])

    assert [len(review.problems) for review in reviews] == [1, 1, 0]
    assert [review.spec is None for review in reviews] == [True, True, False]


def test_two_files_with_one_name_are_refused_without_regard_to_case(write_spec):
    first = write_spec(LOCAL_ONLY, "a.yaml")
    second = write_spec("name: Fraud\n" + MODEL, "b.yaml")

    one, two = review_files([first, second])

    assert one.problems == ()
    assert lines(two) == [
        (1, "name", f"makes the endpoint name `Fraud-local`, which {first} makes too")
    ]


def test_the_same_name_in_other_environments_is_no_collision(write_spec):
    environment = "environments: {local: {}}\n"
    first = write_spec(LOCAL_ONLY + environment, "a.yaml")
    second = write_spec(LOCAL_ONLY + "environments: {Local2: {}}\nimage: x\n", "b.yaml")

    _, two = review_files([first, second])

    assert [problem.path for problem in two.problems] == ["image"]


def test_a_file_given_twice_is_checked_once(write_spec):
    path = write_spec(LOCAL_ONLY)

    assert len(review_files([path, path.parent / ".." / "specs" / path.name])) == 1


def test_a_fault_of_a_file_beside_the_model_is_a_problem_of_its_own_line(write_spec):
    (review,) = review_files(
        [write_spec(LOCAL_ONLY + "  input_rules: rules.json\n")],
        artifact_fault=lambda *_: ArtifactError("no rules", "model.input_rules"),
    )

    assert lines(review) == [(4, "model.input_rules", "no rules (in local)")]


def test_a_fault_of_the_model_file_is_a_problem_of_its_path(write_spec, tmp_path):
    (review,) = review_files(
        [write_spec(LOCAL_ONLY)],
        artifact_fault=lambda model, _: ArtifactError(f"{model.path} is empty"),
    )

    assert lines(review) == [
        (3, "model.path", f"{tmp_path / 'specs' / 'fraud.onnx'} is empty (in local)")
    ]


def test_the_model_file_of_each_variant_is_looked_at(write_spec):
    path = write_spec(
        LOCAL_ONLY + "challengers:\n- name: b\n  model:\n    path: b.onnx\n  traffic_percent: 5\n"
    )

    def fault(model, _):
        return ArtifactError("is no model") if model.path.endswith("b.onnx") else None

    (review,) = review_files([path], artifact_fault=fault)

    assert lines(review) == [(7, "challengers[0].model.path", "is no model (in local)")]
