"""An endpoint's metrics as methods, so that nobody has to know the two namespaces.

Takes the endpoint's and the variant's names, gives `Metric`s. Names, units and dimensions: "Amazon
SageMaker AI metrics in Amazon CloudWatch" (SageMaker developer guide, read 2026-11). Methods follow
the CDK's `metric*` of aws-sagemaker-alpha.
"""

from modelway.monitoring.metric import INSTANCES, INVOCATIONS, Metric


class EndpointMetrics:
    """Gives metrics of one variant of one endpoint.

    Every method takes `statistic` and `period_seconds`; the defaults are the usual choice.
    """

    _metric_dimensions: dict[str, str]

    def metric_invocations(self, statistic: str = "Sum", period_seconds: int = 60) -> Metric:
        """Requests sent to the variant."""
        return self._invocation("Invocations", statistic, period_seconds)

    def metric_invocations_per_instance(
        self, statistic: str = "Sum", period_seconds: int = 60
    ) -> Metric:
        """Requests for each instance; what target tracking keeps steady."""
        return self._invocation("InvocationsPerInstance", statistic, period_seconds)

    def metric_invocation_4xx_errors(
        self, statistic: str = "Sum", period_seconds: int = 60
    ) -> Metric:
        """Requests that the model answered with a 4xx."""
        return self._invocation("Invocation4XXErrors", statistic, period_seconds)

    def metric_invocation_5xx_errors(
        self, statistic: str = "Sum", period_seconds: int = 60
    ) -> Metric:
        """Requests that the model answered with a 5xx."""
        return self._invocation("Invocation5XXErrors", statistic, period_seconds)

    def metric_model_latency(self, statistic: str = "p99", period_seconds: int = 60) -> Metric:
        """The container's answer time, in microseconds."""
        return self._invocation("ModelLatency", statistic, period_seconds, "Microseconds")

    def metric_overhead_latency(self, statistic: str = "p99", period_seconds: int = 60) -> Metric:
        """SageMaker's own share of the answer time, in microseconds."""
        return self._invocation("OverheadLatency", statistic, period_seconds, "Microseconds")

    def metric_cpu_utilization(
        self, statistic: str = "Average", period_seconds: int = 60
    ) -> Metric:
        """Percent of one vCPU: 400 is four busy ones."""
        return self._instance("CPUUtilization", statistic, period_seconds)

    def metric_memory_utilization(
        self, statistic: str = "Average", period_seconds: int = 60
    ) -> Metric:
        """Percent of an instance's memory."""
        return self._instance("MemoryUtilization", statistic, period_seconds)

    def metric_disk_utilization(
        self, statistic: str = "Average", period_seconds: int = 60
    ) -> Metric:
        """Percent of the container's disk space."""
        return self._instance("DiskUtilization", statistic, period_seconds)

    def metric_gpu_utilization(
        self, statistic: str = "Average", period_seconds: int = 60
    ) -> Metric:
        """Percent of one GPU: 400 is four busy ones."""
        return self._instance("GPUUtilization", statistic, period_seconds)

    def metric_gpu_memory_utilization(
        self, statistic: str = "Average", period_seconds: int = 60
    ) -> Metric:
        """Percent of one GPU's memory: 400 is four full ones."""
        return self._instance("GPUMemoryUtilization", statistic, period_seconds)

    def _invocation(
        self, name: str, statistic: str, period_seconds: int, unit: str | None = None
    ) -> Metric:
        dimensions = self._metric_dimensions
        return Metric(INVOCATIONS, name, dimensions, statistic, period_seconds, unit)

    def _instance(self, name: str, statistic: str, period_seconds: int) -> Metric:
        dimensions = self._metric_dimensions
        return Metric(INSTANCES, name, dimensions, statistic, period_seconds, "Percent")
