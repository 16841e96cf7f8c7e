"""A member's request with the program it is about (`config.context` puts it there)."""

from loyalty.models import Program
from members.portal.access import MemberRequest


class ProgramRequest(MemberRequest):
    """A request of a signed-in member who sees points."""

    program: Program
