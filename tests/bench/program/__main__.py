"""Configuration `size` in; that many resources out: queues, secrets, log groups, parameters and buckets in turn."""

import declared
import pulumi

declared.declare(pulumi.Config().require_int("size"), pulumi.Config().require("environmentSuffix"))
