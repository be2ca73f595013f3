"""EC2 security groups, with rules inside, and rules as resources of their own in both of Pulumi's forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from harness.providers.aws import permissions
from harness.providers.aws.declare import Call, Find, Item, Naming, Resource, Update
from harness.providers.aws.failures import Refusal, says_absent
from harness.providers.aws.services.ec2_vpc import DEPENDENCY, find, tagging
from harness.providers.contract import ProviderError

if TYPE_CHECKING:
    from harness.providers.aws.work import Work
    from harness.providers.contract import Props

_RULE: Final = "cidrBlocks description fromPort ipv6CidrBlocks prefixListIds protocol securityGroups self toPort"
_MEMBER: Final = {"ingress": "IpPermissions", "egress": "IpPermissionsEgress"}


def _group(work: Work, name: str) -> Item | None:
    answer = work.seek("DescribeSecurityGroups", GroupIds=[name])
    groups = (answer or {}).get("SecurityGroups") or [None]
    return None if groups[0] is None else dict(groups[0])


def _change(
    work: Work, group: str, direction: str, *, revoke: set[permissions.Permission], add: set[permissions.Permission]
) -> None:
    side = direction.capitalize()
    if revoke:
        work.call(f"RevokeSecurityGroup{side}", GroupId=group, IpPermissions=permissions.to_api(revoke))
    if add:
        work.call(f"AuthorizeSecurityGroup{side}", GroupId=group, IpPermissions=permissions.to_api(add))


def _bring(work: Work, direction: str) -> None:
    """Bring one direction of the group to the blocks in the program.

    A group that is not there is an error, never one without rules: AWS may not show yet what it has just made, and
    what it lets out of a new group would stay.
    """
    item = _group(work, work.id)
    if item is None:
        raise Refusal(f"{work.id} is not there", "InvalidGroup.NotFound")
    there = permissions.of_api(item.get(_MEMBER[direction], []))
    wanted = permissions.of_blocks(work.inputs.get(direction), work.id)
    _change(work, work.id, direction, revoke=there - wanted, add=wanted - there)


def _rules(work: Work) -> None:
    """After a create the egress that AWS gives by itself goes, as with the official provider."""
    for direction in ("egress", "ingress"):
        if work.creating or work.changed(direction):
            _bring(work, direction)


def _create(work: Work) -> str:
    params: Item = {"GroupName": work.inputs["name"], "Description": work.inputs["description"]}
    if work.inputs.get("vpcId"):
        params["VpcId"] = work.inputs["vpcId"]
    tags = [{"Key": key, "Value": one} for key, one in (work.inputs.get("tagsAll") or {}).items()]
    if tags:
        params["TagSpecifications"] = [{"ResourceType": "security-group", "Tags": tags}]
    work.id = str(work.call("CreateSecurityGroup", **params)["GroupId"])
    work.patiently(lambda: _rules(work), says_absent)
    return work.id


def _read_more(work: Work, item: Item, props: Props) -> None:
    for direction, member in _MEMBER.items():
        there = permissions.of_api(item.get(member, []))
        asked = work.inputs.get(direction)
        same = asked is not None and permissions.of_blocks(asked, work.id) == there
        props[direction] = asked if same else permissions.to_blocks(there, work.id)


def _before_delete(work: Work) -> None:
    if not work.forces("revokeRulesOnDelete"):
        return
    item = _group(work, work.id) or {}
    for direction, member in _MEMBER.items():
        _change(work, work.id, direction, revoke=permissions.of_api(item.get(member, [])), add=set())


GROUP = Resource(
    token="aws:ec2/securityGroup:SecurityGroup",
    service="ec2",
    noun="EC2 security group",
    args="description egress ingress name revokeRulesOnDelete vpcId",
    outputs="ownerId",
    templates={"arn": "arn:{partition}:ec2:{region}:{account}:security-group/{id}"},
    rename={"name": "GroupName"},
    create_with=_create,
    read=Call("DescribeSecurityGroups", {"GroupIds": ["{id}"]}, at="SecurityGroups[0]"),
    read_more=_read_more,
    before_delete=_before_delete,
    delete=Call("DeleteSecurityGroup", {"GroupId": "{id}"}),
    updates=(Update("ingress egress", apply=_rules, on_create=False),),
    nested={"ingress": _RULE, "egress": _RULE},
    sets="ingress egress",
    inert="revokeRulesOnDelete",
    computed="ingress egress vpcId",
    defaults={"description": "Managed by Pulumi", "revokeRulesOnDelete": False},
    naming=Naming("name", limit=255, allowed=r"A-Za-z0-9 ._\-:/()#,@\[\]+=&;{}!$*"),
    tagging=tagging("security-group"),
    find=find("DescribeSecurityGroups", "SecurityGroups[?GroupName!='default']", "GroupId"),
    absent="InvalidGroupId.Malformed",
    retry_create="InvalidVpcID.NotFound",
    retry_delete=f"{DEPENDENCY}\nInvalidGroup.InUse",
)


def _adopt(work: Work) -> str:
    """Every VPC has one: it is taken over, and its rules brought to those of the program, none if it has none."""
    filters = [{"Name": "group-name", "Values": ["default"]}]
    if work.inputs.get("vpcId"):
        filters.append({"Name": "vpc-id", "Values": [work.inputs["vpcId"]]})
    work.id = str(work.call("DescribeSecurityGroups", Filters=filters)["SecurityGroups"][0]["GroupId"])
    work.patiently(lambda: _rules(work), says_absent)
    tags = [{"Key": key, "Value": one} for key, one in (work.inputs.get("tagsAll") or {}).items()]
    if tags:
        work.call("CreateTags", Resources=[work.id], Tags=tags)
    return work.id


DEFAULT_GROUP = Resource(
    token="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
    service="ec2",
    noun="EC2 default security group",
    args="egress ingress revokeRulesOnDelete vpcId",
    outputs="description name ownerId",
    templates=GROUP.templates,
    rename=GROUP.rename,
    create_with=_adopt,
    read=GROUP.read,
    read_more=_read_more,
    updates=(Update("ingress egress", apply=_rules, on_create=False),),
    nested=GROUP.nested,
    sets=GROUP.sets,
    inert="revokeRulesOnDelete",
    watched="ingress egress",
    computed="vpcId",
    defaults={"revokeRulesOnDelete": False},
    tagging=tagging("security-group"),
    destructive=False,  # AWS removes it with its VPC
)

_SOURCES: Final = ("cidrBlocks", "ipv6CidrBlocks", "prefixListIds")


def _block(work: Work) -> Props:
    group = work.get("sourceSecurityGroupId")
    return {**work.outputs, **work.inputs, **({"securityGroups": [group]} if group else {})}


def _create_rule(work: Work) -> str:
    wanted = _atoms(work.inputs)
    _change(work, work.inputs["securityGroupId"], work.inputs["type"], revoke=set(), add=wanted)
    return _rule_id(work.inputs)


def _rule_id(inputs: Props) -> str:
    group = inputs["securityGroupId"]
    sources = sorted({"self" if one.source == group else one.source for one in _atoms(inputs)})
    ports = [str(inputs["fromPort"]), str(inputs["toPort"])]
    return "_".join([group, inputs["type"], permissions.protocol(inputs["protocol"]), *ports, *sources])


def _told(work: Work) -> Props:
    """The rule, by its properties, else by its id: that of the official provider is a number. Raises ProviderError."""
    block = {name: work.get(name) for name in RULE.required.split()}
    if None in block.values():
        return _parts(work.id)
    sources = {name: work.get(name) for name in ("self", "sourceSecurityGroupId", *_SOURCES)}
    return {**block, **{name: one for name, one in sources.items() if one}}


def _parts(name: str) -> Props:
    """The rule that an id tells of. Raises ProviderError when it tells of none."""
    parts = name.split("_")
    if len(parts) < 6:  # noqa: PLR2004 - group, type, protocol, two ports, at least one source
        raise ProviderError(f"`{name}` is not an id of the form GROUP_TYPE_PROTOCOL_FROM_TO_SOURCE")
    group, kind, protocol, start, end, *sources = parts
    block: Props = {"securityGroupId": group, "type": kind, "protocol": protocol}
    block.update(fromPort=int(start), toPort=int(end))
    for source in sources:
        if source == "self":
            block["self"] = True
        elif source.startswith("sg-"):
            block["sourceSecurityGroupId"] = source
        else:
            name = "prefixListIds" if source.startswith("pl-") else "ipv6CidrBlocks" if ":" in source else "cidrBlocks"
            block.setdefault(name, []).append(source)
    return block


def _atoms(block: Props) -> set[permissions.Permission]:
    group = block.get("sourceSecurityGroupId")
    whole = {**block, **({"securityGroups": [group]} if group else {})}
    return permissions.of_block(whole, block["securityGroupId"])


def _read_rule(work: Work) -> Item | None:
    block = _told(work)
    item = _group(work, block["securityGroupId"])
    if item is None:
        return None
    there = permissions.of_api(item.get(_MEMBER[block["type"]], []))
    texts = {one[:5]: one.description for one in there}
    wanted = {one[:5] for one in _atoms(block)}
    if not wanted <= set(texts):
        return None
    described = next(iter(sorted(texts[one] for one in wanted)), "")
    return {"self": False, **block, **({"description": described} if described else {})}


def _describe_rule(work: Work) -> None:
    side = work.inputs["type"].capitalize()
    wanted = permissions.to_api(permissions.of_block(_block(work), work.inputs["securityGroupId"]))
    work.call(
        f"UpdateSecurityGroupRuleDescriptions{side}", GroupId=work.inputs["securityGroupId"], IpPermissions=wanted
    )


def _delete_rule(work: Work) -> None:
    block = _told(work)
    item = _group(work, block["securityGroupId"]) or {}
    keys = {one[:5] for one in _atoms(block)}
    there = {one for one in permissions.of_api(item.get(_MEMBER[block["type"]], [])) if one[:5] in keys}
    _change(work, block["securityGroupId"], block["type"], revoke=there, add=set())


RULE = Resource(
    token="aws:ec2/securityGroupRule:SecurityGroupRule",
    service="ec2",
    noun="EC2 security group rule",
    args="fromPort protocol securityGroupId toPort type cidrBlocks description ipv6CidrBlocks prefixListIds self "
    "sourceSecurityGroupId",
    required="fromPort protocol securityGroupId toPort type",
    create_with=_create_rule,
    identity_with=_rule_id,
    id_parts="{securityGroupId}_{type}_{protocol}_{fromPort}_{toPort}_{sources}",
    read_with=_read_rule,
    delete_with=_delete_rule,
    updates=(Update("description", apply=_describe_rule, on_create=False),),
    sets="cidrBlocks ipv6CidrBlocks prefixListIds",
    defaults={"self": False},
    exclusive=True,
    retry_create="InvalidGroup.NotFound",
)

_ONE: Final = {
    "cidrIpv4": "CidrIpv4",
    "cidrIpv6": "CidrIpv6",
    "prefixListId": "PrefixListId",
    "referencedSecurityGroupId": "ReferencedGroupId",
}
_KINDS: Final = {
    "cidrIpv4": "cidr",
    "cidrIpv6": "cidr6",
    "prefixListId": "list",
    "referencedSecurityGroupId": "group",
}


def _create_one(work: Work, side: str) -> str:
    inputs = work.inputs
    source = next(name for name in _ONE if inputs.get(name))
    kind = permissions.protocol(inputs["ipProtocol"])
    ports = (0, 0) if kind == "-1" else (int(inputs.get("fromPort", -1)), int(inputs.get("toPort", -1)))
    wanted = permissions.Permission(
        kind, *ports, _KINDS[source], str(inputs[source]), str(inputs.get("description") or "")
    )
    more: Item = {}
    if inputs.get("tagsAll"):
        pairs = [{"Key": key, "Value": one} for key, one in inputs["tagsAll"].items()]
        more["TagSpecifications"] = [{"ResourceType": "security-group-rule", "Tags": pairs}]
    group, allowed = inputs["securityGroupId"], permissions.to_api([wanted])
    answer = work.call(f"AuthorizeSecurityGroup{side}", GroupId=group, IpPermissions=allowed, **more)
    return str(answer["SecurityGroupRules"][0]["SecurityGroupRuleId"])


def _modify_one(work: Work) -> None:
    rule = {_ONE[name]: work.inputs[name] for name in _ONE if work.inputs.get(name)}
    rule["IpProtocol"] = permissions.protocol(work.inputs["ipProtocol"])
    rule["Description"] = work.inputs.get("description") or ""
    if rule["IpProtocol"] != "-1":
        rule.update(FromPort=int(work.inputs.get("fromPort", -1)), ToPort=int(work.inputs.get("toPort", -1)))
    changes = [{"SecurityGroupRuleId": work.id, "SecurityGroupRule": rule}]
    work.call("ModifySecurityGroupRules", GroupId=work.inputs["securityGroupId"], SecurityGroupRules=changes)


def _one_more(work: Work, item: Item, props: Props) -> None:
    if item.get("ReferencedGroupInfo"):
        props["referencedSecurityGroupId"] = item["ReferencedGroupInfo"]["GroupId"]
    if permissions.protocol(item.get("IpProtocol")) == "-1":
        for name in ("fromPort", "toPort"):
            props.pop(name, None)
    props["securityGroupRuleId"] = work.id
    if permissions.protocol(work.inputs.get("ipProtocol")) == permissions.protocol(item.get("IpProtocol")):
        props["ipProtocol"] = work.inputs["ipProtocol"]


def _one(side: str) -> Resource:
    egress = "true" if side == "Egress" else "false"
    rule_ids = {"SecurityGroupRuleIds": ["{id}"]}
    listed = f"SecurityGroupRules[?IsEgress==`{egress}`]"
    return Resource(
        token=f"aws:vpc/securityGroup{side}Rule:SecurityGroup{side}Rule",
        service="ec2",
        noun=f"EC2 {side.lower()} rule",
        args="ipProtocol securityGroupId cidrIpv4 cidrIpv6 description fromPort prefixListId referencedSecurityGroupId "
        "toPort",
        required="ipProtocol securityGroupId",
        outputs="securityGroupRuleId",
        templates={"arn": "arn:{partition}:ec2:{region}:{account}:security-group-rule/{id}"},
        rename={"securityGroupId": "GroupId"},
        create_with=lambda work: _create_one(work, side),
        read=Call("DescribeSecurityGroupRules", rule_ids, at="SecurityGroupRules[0]"),
        read_more=_one_more,
        delete=Call(f"RevokeSecurityGroup{side}", {"GroupId": "{securityGroupId}", **rule_ids}),
        updates=(
            Update(f"description fromPort ipProtocol toPort {' '.join(_ONE)}", apply=_modify_one, on_create=False),
        ),
        watched="description",
        tagging=tagging("security-group-rule"),
        find=Find(Call("DescribeSecurityGroupRules", at=listed), id="SecurityGroupRuleId", by_tag_filter=True),
        retry_create="InvalidGroup.NotFound",
    )


INGRESS_RULE = _one("Ingress")
EGRESS_RULE = _one("Egress")
