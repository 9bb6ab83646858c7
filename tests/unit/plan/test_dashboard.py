"""The CloudWatch dashboard."""

import json


def widgets(plan):
    return {
        widget["properties"]["title"]: widget["properties"]
        for widget in plan.dashboard_body["widgets"]
        if widget["type"] == "metric"
    }


def test_the_body_is_json(make_plan):
    body = make_plan().dashboard_body

    assert json.loads(json.dumps(body)) == body


def test_the_title_says_model_environment_and_version(make_plan):
    title = make_plan({"model": {"version": "7"}}).dashboard_body["widgets"][0]

    assert title["type"] == "text"
    assert title["properties"]["markdown"] == (
        "# fraud (prod)\nVersion 7 on ml.m5.large, from 1 instance(s)."
    )


def test_each_graph_names_namespace_metric_and_dimensions(make_plan):
    latency = widgets(make_plan())["Latency (microseconds)"]

    assert latency["metrics"][1] == [
        "AWS/SageMaker",
        "ModelLatency",
        "EndpointName",
        "fraud-prod",
        "VariantName",
        "primary",
        {"stat": "p99", "label": "model p99"},
    ]
    assert widgets(make_plan())["Disk (%)"]["metrics"][0][:2] == [
        "/aws/sagemaker/Endpoints",
        "DiskUtilization",
    ]


def test_thresholds_are_drawn_where_their_metric_is(make_plan):
    graphs = widgets(make_plan({"objectives": {"p99_latency_ms": 50}}))

    assert graphs["Latency (microseconds)"]["annotations"] == {
        "horizontal": [{"label": "p99-latency", "value": 50_000.0}]
    }
    assert graphs["CPU (% of one vCPU)"]["annotations"] == {
        "horizontal": [{"label": "cpu", "value": 180.0}]
    }
    assert "annotations" not in graphs["Requests a minute"]


def test_gpus_are_shown_only_where_there_are_some(make_plan):
    assert "GPU (% of one GPU)" not in widgets(make_plan())
    assert "GPU (% of one GPU)" in widgets(
        make_plan({"serving": {"instance_type": "ml.g5.xlarge"}})
    )


def test_graphs_do_not_overlap_and_stay_on_the_grid(make_plan):
    body = make_plan({"serving": {"instance_type": "ml.g5.xlarge"}}).dashboard_body
    taken = set()

    for widget in body["widgets"]:
        for column in range(widget["x"], widget["x"] + widget["width"]):
            for row in range(widget["y"], widget["y"] + widget["height"]):
                assert column < 24
                assert (column, row) not in taken
                taken.add((column, row))
