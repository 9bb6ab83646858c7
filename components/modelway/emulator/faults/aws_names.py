"""The services and operations that AWS has, as botocore names them.

Takes nothing but botocore's own data; gives names. Must not call anything.
"""

from functools import cache

import botocore.session
from botocore.loaders import UnknownServiceError


@cache
def services() -> frozenset[str]:
    """Give every service's name, such as `sagemaker` and `application-autoscaling`."""
    return frozenset(botocore.session.Session().get_available_services())


@cache
def operations_of(service: str) -> frozenset[str]:
    """Give the operations of a service; none where there is no such service."""
    try:
        model = botocore.session.Session().get_service_model(service)
    except UnknownServiceError:
        return frozenset()
    return frozenset(model.operation_names)
