from members.models.client import ApiClient, ApiRequest, ImportRun
from members.models.job import Job
from members.models.member import Consent, Member, StatusChange
from members.models.message import Message, MessageTemplate
from members.models.store import Store
from members.models.tier import Tier, TierChange
from members.models.user import User

__all__ = [
    "ApiClient",
    "ApiRequest",
    "Consent",
    "ImportRun",
    "Job",
    "Member",
    "Message",
    "MessageTemplate",
    "StatusChange",
    "Store",
    "Tier",
    "TierChange",
    "User",
]
