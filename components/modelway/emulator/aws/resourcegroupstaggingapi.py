"""The tagging API, where moto fails over SageMaker's resources.

moto reads `arn` from every value of SageMaker's stores (`moto/sagemaker/models.py`,
`iter_tagged_resources`), but some stores hold lists, so that `GetResources` fails for everybody as
soon as there is one such resource.
"""

from collections.abc import Iterator
from typing import Any

from modelway.emulator.services import Services


def install(services: Services) -> None:
    """Extend moto's SageMaker as the tagging API sees it."""
    del services
    from moto.core.resource_tagging import TaggedResource
    from moto.sagemaker.models import SageMakerModelBackend

    def iter_tagged_resources(self: Any) -> Iterator[Any]:
        for kind, store in _stores(self).items():
            for value in store.values():
                # A list holds the versions of one resource; the last one is current.
                resource = value[-1] if isinstance(value, list) and value else value
                arn = getattr(resource, "arn", None)
                if arn is not None:
                    tags = {tag["Key"]: tag["Value"] for tag in getattr(resource, "tags", ()) or ()}
                    yield TaggedResource(arn=arn, tags=tags, resource_type=f"sagemaker:{kind}")

    SageMakerModelBackend.iter_tagged_resources = iter_tagged_resources


def _stores(backend: Any) -> dict[str, dict[str, Any]]:
    return {
        "automl-job": backend.auto_ml_jobs,
        "cluster": backend.clusters,
        "compilation-job": backend.compilation_jobs,
        "data-quality-job-definition": backend.data_quality_job_definitions,
        "domain": backend.domains,
        "endpoint": backend.endpoints,
        "endpoint-config": backend.endpoint_configs,
        "experiment": backend.experiments,
        "feature-group": backend.feature_groups,
        "hyper-parameter-tuning-job": backend.hyper_parameter_tuning_jobs,
        "model": backend._models,  # noqa: SLF001 - the only name there is
        "model-bias-job-definition": backend.model_bias_job_definitions,
        "model-card": backend.model_cards,
        "model-explainability-job-definition": backend.model_explainability_job_definitions,
        "model-package": backend.model_packages,
        "model-package-group": backend.model_package_groups,
        "model-quality-job-definition": backend.model_quality_job_definitions,
        "notebook-instance": backend.notebook_instances,
        "pipeline": backend.pipelines,
        "pipeline-execution": backend.pipeline_executions,
        "processing-job": backend.processing_jobs,
        "training-job": backend.training_jobs,
        "transform-job": backend.transform_jobs,
        "trial": backend.trials,
        "trial-component": backend.trial_components,
    }
