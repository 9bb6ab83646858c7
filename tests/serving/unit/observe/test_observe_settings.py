"""Settings of what the server tells of itself."""

from pathlib import Path

import pytest

from model_server.settings.observe import (
    EmfSettings,
    ObserveSettings,
    PredictionLogSettings,
    TraceSettings,
)
from model_server.settings.reader import Reader

LOG = "MODEL_SERVER_PREDICTION_LOG"


def read(**variables):
    reader = Reader(variables)
    settings = ObserveSettings.read(reader)
    return settings, reader.problems


def test_by_default_there_are_metrics_and_nothing_else():
    assert read() == (ObserveSettings(metrics=True), [])


def test_metrics_can_be_switched_off():
    assert read(MODEL_SERVER_METRICS="no")[0].metrics is False


@pytest.mark.parametrize(
    ("destination", "kind"),
    [
        ("stdout", "stdout"),
        ("/var/log/predictions", "file"),
        ("file:///var/log/predictions", "file"),
        ("s3://my-bucket/some/prefix", "s3"),
        ("s3://my-bucket", "s3"),
        ("firehose://my-stream", "firehose"),
    ],
)
def test_a_destination_says_where_predictions_go(destination, kind):
    settings, problems = read(**{LOG: destination})

    assert problems == []
    assert settings.prediction_log.kind == kind


def test_a_folder_may_be_an_address():
    settings, _ = read(**{LOG: "file:///var/log/predictions"})

    assert settings.prediction_log.folder == Path("/var/log/predictions")


@pytest.mark.parametrize(
    "destination",
    ["predictions", "s3://", "firehose://", "firehose://a/b", "https://x/", "file://host/x"],
)
def test_a_destination_that_is_none_is_refused(destination):
    _, problems = read(**{LOG: destination})

    [problem] = problems
    assert problem == (
        f"MODEL_SERVER_PREDICTION_LOG is {destination!r}; it takes stdout, an absolute folder, "
        "s3://bucket/prefix or firehose://stream"
    )


def test_defaults_of_the_prediction_log():
    settings, _ = read(**{LOG: "stdout"})

    assert settings.prediction_log == PredictionLogSettings(
        destination="stdout",
        format="jsonl",
        sample=1.0,
        redact=(),
        max_record_bytes=1_000_000,
        queue_bytes=67_108_864,
        queue_records=100_000,
        file_bytes=268_435_456,
        file_seconds=3600.0,
        disk_bytes=10_737_418_240,
        gzip=False,
        part_bytes=16_777_216,
        part_seconds=60.0,
        retry_seconds=300.0,
    )


def test_everything_of_the_prediction_log_can_be_set():
    settings, problems = read(
        **{
            LOG: "s3://b/p",
            f"{LOG}_FORMAT": "parquet",
            f"{LOG}_SAMPLE": "0.25",
            f"{LOG}_REDACT": "age, x.city",
            f"{LOG}_MAX_RECORD_BYTES": "4096",
            f"{LOG}_QUEUE_MIB": "8",
            f"{LOG}_QUEUE_RECORDS": "1000",
            f"{LOG}_FILE_MIB": "2",
            f"{LOG}_FILE_SECONDS": "30",
            f"{LOG}_DISK_MIB": "100",
            f"{LOG}_GZIP": "yes",
            f"{LOG}_PART_MIB": "4",
            f"{LOG}_PART_SECONDS": "5",
            f"{LOG}_RETRY_SECONDS": "0",
        }
    )

    assert problems == []
    assert settings.prediction_log == PredictionLogSettings(
        destination="s3://b/p",
        format="parquet",
        sample=0.25,
        redact=("age", "x.city"),
        max_record_bytes=4096,
        queue_bytes=8_388_608,
        queue_records=1000,
        file_bytes=2_097_152,
        file_seconds=30.0,
        disk_bytes=104_857_600,
        gzip=True,
        part_bytes=4_194_304,
        part_seconds=5.0,
        retry_seconds=0.0,
    )


def test_everything_that_is_wrong_is_told_at_once():
    _, problems = read(
        **{
            LOG: "firehose://s",
            f"{LOG}_FORMAT": "parquet",
            f"{LOG}_SAMPLE": "2",
            f"{LOG}_MAX_RECORD_BYTES": "2000000",
            f"{LOG}_FILE_MIB": "600",
            f"{LOG}_DISK_MIB": "1000",
            "MODEL_SERVER_OTLP_ENDPOINT": "collector:4318",
            "MODEL_SERVER_EMF_NAMESPACE": "x" * 256,
            "MODEL_SERVER_EMF_DIMENSIONS": "Endpoint",
        }
    )

    assert (
        "\n".join(problems)
        == """\
MODEL_SERVER_PREDICTION_LOG_SAMPLE is '2'; it takes a number from 0.0 to 1.0
MODEL_SERVER_PREDICTION_LOG_FORMAT is 'parquet', which goes to a folder or to S3 only
MODEL_SERVER_PREDICTION_LOG_MAX_RECORD_BYTES is 2000000; Firehose takes records of up to \
1024000 bytes
MODEL_SERVER_PREDICTION_LOG_FILE_MIB is 600; it takes at most half of \
MODEL_SERVER_PREDICTION_LOG_DISK_MIB, which is 1000
MODEL_SERVER_OTLP_ENDPOINT is 'collector:4318'; it takes an address such as http://collector:4318
MODEL_SERVER_EMF_NAMESPACE has 256 characters; it takes 1 to 255
MODEL_SERVER_EMF_DIMENSIONS is 'Endpoint'; it takes up to 29 different names with values, \
as in Endpoint=fraud, and none is called Model"""
    )


def test_the_standard_variable_of_opentelemetry_counts_too():
    settings, _ = read(
        OTEL_EXPORTER_OTLP_ENDPOINT="http://collector:4318", OTEL_SERVICE_NAME="scoring"
    )

    assert settings.traces == TraceSettings("http://collector:4318", 1.0, False, "scoring")


def test_our_own_variable_goes_before_the_standard_one():
    settings, problems = read(
        OTEL_EXPORTER_OTLP_ENDPOINT="http://a:4318",
        MODEL_SERVER_OTLP_ENDPOINT="https://b:4318",
        MODEL_SERVER_TRACE_RATIO="0.1",
        MODEL_SERVER_OTLP_LOGS="on",
    )

    assert problems == []
    assert settings.traces == TraceSettings("https://b:4318", 0.1, True, "model-server")


def test_logs_without_a_collector_are_refused():
    _, problems = read(MODEL_SERVER_OTLP_LOGS="on")

    assert problems == ["MODEL_SERVER_OTLP_LOGS is set without MODEL_SERVER_OTLP_ENDPOINT"]


def test_dimensions_are_names_with_values():
    settings, problems = read(
        MODEL_SERVER_EMF_NAMESPACE="Serving",
        MODEL_SERVER_EMF_DIMENSIONS="Endpoint = fraud, Variant=a=b",
        MODEL_SERVER_EMF_SECONDS="10",
    )

    assert problems == []
    assert settings.emf == EmfSettings("Serving", (("Endpoint", "fraud"), ("Variant", "a=b")), 10.0)


@pytest.mark.parametrize(
    "words", ["Model=x", "A=1,A=2", "A=", "=1", ",".join(f"D{n}=1" for n in range(30))]
)
def test_dimensions_that_cloudwatch_cannot_take_are_refused(words):
    _, problems = read(MODEL_SERVER_EMF_NAMESPACE="N", MODEL_SERVER_EMF_DIMENSIONS=words)

    assert len(problems) == 1
    assert problems[0].startswith("MODEL_SERVER_EMF_DIMENSIONS is")
