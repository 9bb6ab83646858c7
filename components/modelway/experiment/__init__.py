"""The verdict of an A/B experiment between two variants of an endpoint.

    files or S3 -> lines -> requests, outcomes -> sample -> verdict -> words
    text, bucket   line     captured, outcomes    sample    judgement  wording

Importing this package reads nothing and imports no boto3; `bucket` does when it is used.
"""

from modelway.experiment.judgement import Decision, Verdict, judge
from modelway.experiment.question import Margin, Metric, Question
from modelway.experiment.sample import Sample, take_sample

__all__ = [
    "Decision",
    "Margin",
    "Metric",
    "Question",
    "Sample",
    "Verdict",
    "judge",
    "take_sample",
]
