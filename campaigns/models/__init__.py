"""What campaigns keep: rules with their versions, what they gave, acts of members, segments and grants."""

from campaigns.models.act import Act, CheckIn, SignInSettings
from campaigns.models.award import Budget, CampaignAward, Conversion
from campaigns.models.benefit import BenefitGrant
from campaigns.models.campaign import Campaign, CampaignVersion
from campaigns.models.segment import Handout, Segment, SegmentMember

__all__ = [
    "Act",
    "BenefitGrant",
    "Budget",
    "Campaign",
    "CampaignAward",
    "CampaignVersion",
    "CheckIn",
    "Conversion",
    "Handout",
    "Segment",
    "SegmentMember",
    "SignInSettings",
]
