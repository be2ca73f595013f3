"""The bundled `aws` package: Pulumi's verbs in, calls to AWS (or to an emulator of it) out, over botocore's models."""

from harness.providers.aws.package import AwsPackage

__all__ = ["AwsPackage"]
