"""Settings and a key in; a container registry that scans what is pushed and keeps the last ten images out."""

import json

import pulumi
import pulumi_aws as aws

from parts.settings import Settings

KEPT_IMAGES = 10


class Registry(pulumi.ComponentResource):
    """One ECR repository; images in it do not block destroy."""

    def __init__(self, name: str, settings: Settings, key: aws.kms.Key) -> None:
        super().__init__("parts:index:Registry", name)
        own = pulumi.ResourceOptions(parent=self)
        self.repository = aws.ecr.Repository(
            f"{name}-repository",
            name=settings.name("repository"),
            force_delete=True,
            image_tag_mutability="MUTABLE",
            image_scanning_configuration=aws.ecr.RepositoryImageScanningConfigurationArgs(scan_on_push=True),
            encryption_configurations=[
                aws.ecr.RepositoryEncryptionConfigurationArgs(encryption_type="KMS", kms_key=key.arn)
            ],
            tags=settings.tags,
            opts=own,
        )
        aws.ecr.LifecyclePolicy(
            f"{name}-lifecycle", repository=self.repository.name, policy=json.dumps(KEEP_LAST), opts=own
        )
        self.register_outputs({"url": self.repository.repository_url})


KEEP_LAST = {
    "rules": [
        {
            "rulePriority": 1,
            "description": f"keep the last {KEPT_IMAGES} images",
            "selection": {"tagStatus": "any", "countType": "imageCountMoreThan", "countNumber": KEPT_IMAGES},
            "action": {"type": "expire"},
        }
    ]
}
