"""What the members app refuses, and the roots of every refusal in the house."""

from typing import Any, ClassVar

from django.utils.translation import gettext as _


class Refusal(Exception):
    """A business "no": a stable code, its data and a sentence for people.

    Doors present it (API: problem+json, portal: on the form); nothing was written when it is raised.
    """

    code: ClassVar[str] = "refused"

    def __init__(self, **data: Any) -> None:
        super().__init__()
        self.data = data

    def __str__(self) -> str:
        return _("This is not possible.")


class InvalidInput(Exception):
    """Input that a verb cannot accept: where (a JSON pointer), a code and a sentence."""

    def __init__(self, pointer: str, code: str, detail: str) -> None:
        super().__init__(detail)
        self.pointer = pointer
        self.code = code
        self.detail = detail


class NotFound(Exception):
    """Something named in the input does not exist; `what` is a translated noun."""

    def __init__(self, what: str, pointer: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.pointer = pointer

    def __str__(self) -> str:
        return _("%(what)s was not found. Check the spelling.") % {"what": self.what}


class Conflict(Refusal):
    """A refusal because of what was said or stored before (HTTP 409)."""

    code = "conflict"


class NotAllowed(Refusal):
    """A refusal because of who asks (HTTP 403); somebody else may."""

    code = "permission_denied"


class SlowedDown(Refusal):
    """A refusal for a while (HTTP 429): this was tried too often; data: retry_after (seconds)."""

    code = "slowed_down"


class ReferenceReused(Conflict):
    """The same reference came before with other content."""

    code = "reference_reused"

    def __str__(self) -> str:
        return _(
            "The reference %(reference)s was used before with other content. "
            "Send the same content again or choose a new reference."
        ) % {"reference": self.data["reference"]}


class MembersError(Refusal):
    """Root of what the members app refuses."""


class AlreadyEnrolled(Conflict, MembersError):
    """The phone number belongs to a member already."""

    code = "already_enrolled"

    def __str__(self) -> str:
        return _("This phone number is already enrolled as member %(number)s.") % self.data


class MemberClosed(MembersError):
    """The member was closed and takes part in nothing any more."""

    code = "member_closed"

    def __str__(self) -> str:
        return _("This membership is closed.")
