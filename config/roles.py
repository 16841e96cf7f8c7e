"""Roles of staff: who may do what in the console. The owner is a superuser and needs none."""

from collections.abc import Mapping, Sequence

from django.contrib.auth.models import Group, Permission
from django.db import transaction
from django.db.models import Q

CLERK = "店员"
MANAGER = "店长"

# At the counter: find a member, look at what they have, check and use vouchers, hand over what was redeemed.
_CLERK = (
    "members.view_member",
    "members.view_tier",
    "members.view_tierchange",
    "members.view_store",
    "members.view_message",
    "loyalty.view_wallet",
    "loyalty.view_order",
    "loyalty.view_entry",
    "loyalty.view_hold",
    "rewards.view_reward",
    "rewards.view_variant",
    "rewards.view_offer",
    "rewards.view_redemption",
    "rewards.fulfil_redemption",
    "rewards.view_voucher",
    "rewards.view_draw",
    "rewards.view_drawround",
    "rewards.view_drawplay",
    "rewards.change_voucher",
    "campaigns.view_campaign",
    "campaigns.view_act",
    "campaigns.view_campaignaward",
    "campaigns.view_conversion",
    "campaigns.view_checkin",
    "campaigns.view_benefitgrant",
)
# Runs the shop: enrols and imports members, puts points right, keeps the rewards.
_MANAGER = (
    *_CLERK,
    "members.add_member",
    "members.change_member",
    "members.freeze_member",
    "members.close_member",
    "members.merge_member",
    "members.add_tierchange",
    "members.add_store",
    "members.change_store",
    "members.view_job",
    "members.view_messagetemplate",
    "members.change_messagetemplate",
    "loyalty.view_program",
    "loyalty.change_order",
    "loyalty.view_adjustment",
    "loyalty.view_daysheet",
    "loyalty.view_seal",
    "loyalty.view_verificationrun",
    "loyalty.add_adjustment",
    "loyalty.change_hold",
    "loyalty.view_transfer",
    "loyalty.add_transfer",
    "loyalty.view_donation",
    "loyalty.add_donation",
    "loyalty.view_buyback",
    "loyalty.add_buyback",
    "loyalty.approve_adjustment",
    "rewards.view_donationproject",
    "rewards.add_donationproject",
    "rewards.change_donationproject",
    "rewards.add_reward",
    "rewards.change_reward",
    "rewards.add_variant",
    "rewards.change_variant",
    "rewards.add_offer",
    "rewards.change_offer",
    "rewards.change_redemption",
    "rewards.view_partnercode",
    "rewards.add_partnercode",
    "rewards.add_draw",
    "rewards.change_draw",
    "rewards.view_rewardreport",
    "rewards.view_voucherbatch",
    "rewards.add_voucherbatch",
    "campaigns.view_segment",
    "campaigns.add_segment",
    "campaigns.change_segment",
    "campaigns.view_handout",
    "campaigns.add_handout",
    "campaigns.change_handout",
    "campaigns.view_campaignversion",
    "campaigns.view_budget",
    "campaigns.add_campaign",
    "campaigns.change_campaign",
    "campaigns.activate_campaign",
    "campaigns.approve_campaign",
    "campaigns.view_signinsettings",
    "campaigns.change_signinsettings",
)
ROLES: Mapping[str, Sequence[str]] = {CLERK: _CLERK, MANAGER: _MANAGER}


@transaction.atomic
def ensure_roles() -> list[Group]:
    """Make the roles with their permissions, or give them back what they should have; safe to repeat.

    A role that the merchant added, and permissions added to one of these, stay.
    """
    groups = []
    for name, permissions in ROLES.items():
        group, _is_new = Group.objects.get_or_create(name=name)
        group.permissions.add(*_found(permissions))
        groups.append(group)
    return groups


def _found(names: Sequence[str]) -> list[Permission]:
    asked = Q()
    for name in names:
        app, _separator, codename = name.partition(".")
        asked |= Q(content_type__app_label=app, codename=codename)
    found = list(Permission.objects.filter(asked).order_by("id"))
    if len(found) != len(set(names)):
        missing = len(set(names)) - len(found)
        raise LookupError(f"{missing} permissions do not exist: run `manage.py migrate` first.")
    return found
