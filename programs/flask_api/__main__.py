"""Configuration in; a Flask API out: registry, load balancer, containers, database, alarms.

Names are `flask-api-{resource}-{suffix}`. With `stage` = `repository` only what the image is pushed to is declared.
"""

import pulumi
import stages
from api import declare_api
from parts.encryption import Encryption
from parts.registry import Registry
from parts.settings import POSTGRES_15, read_settings

settings = read_settings("flask-api", cost_center="api", versions=POSTGRES_15, zones=2)
encryption = Encryption("encryption", settings, services=["cloudwatch"])
registry = Registry("registry", settings, encryption.key)

pulumi.export("repositoryName", registry.repository.name)
pulumi.export("repositoryArn", registry.repository.arn)
pulumi.export("repositoryUrl", registry.repository.repository_url)
pulumi.export("imageTag", stages.image_tag())
pulumi.export("keyArn", encryption.key.arn)
pulumi.export("keyAlias", encryption.alias.name)

if stages.goes_on():
    declare_api(settings, encryption, registry.repository, stages.image_tag())
