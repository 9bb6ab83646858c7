"""SageMaker real-time hosting: the endpoint as one unit, its scaling, and their Pulumi resources.

Importing this package imports neither Pulumi nor boto3; the modules do as they need.
"""
