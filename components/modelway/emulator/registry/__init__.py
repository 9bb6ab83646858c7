"""The emulator's ECR as Docker and other clients of registries see it.

One store: manifests and tags are moto's, changed through ECR's own API; blobs lie on disk.
"""
