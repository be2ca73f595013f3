// The module from which the Pulumi engine is built; go.sum pins the checksum of all that goes into it.
module harness-engine

go 1.25.11

require github.com/pulumi/pulumi/pkg/v3 v3.255.0

replace github.com/atotto/clipboard => github.com/tgummerer/clipboard v0.0.0-20241001131231-d02d263e614e
