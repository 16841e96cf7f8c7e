"""Donation projects: what members give points to, made and changed by the merchant."""

from collections.abc import Mapping
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from members import validation
from members.errors import InvalidInput
from members.transactions import in_transaction
from rewards import project_queries
from rewards.errors import ProjectClosed
from rewards.models import DonationProject, Reward

CHECKS: dict[str, validation.Check] = {
    "code": validation.code,
    "name": validation.text(longest=100, shortest=1),
    "summary": validation.text(longest=100),
    "story": validation.text(longest=10_000),
    "art": validation.choice(Reward.Art.values),
    "goal_points": validation.optional(validation.whole_number(least=1)),
    "starts_at": validation.optional(validation.moment),
    "ends_at": validation.optional(validation.moment),
    "active": validation.flag,
}


def create(*, changes: Mapping[str, object]) -> DonationProject:
    """Begin a project: code, name and what else differs from the defaults.

    Points that were donated under its code before count for it. Raises InvalidInput, also for a code that is taken.
    """
    validation.require(changes, ["code", "name"])
    project = DonationProject(**validation.cleaned(changes, CHECKS))
    _refuse_disorder(project)
    if DonationProject.objects.filter(code=project.code).exists():
        raise _taken()
    try:
        with transaction.atomic():
            project.save(force_insert=True)
    except IntegrityError:  # begun by somebody else in this very moment
        raise _taken() from None
    return project


def change(*, project: DonationProject, changes: Mapping[str, object]) -> DonationProject:
    """Change a project; its code stays: donations name it. Raises InvalidInput."""
    values = validation.cleaned(changes, CHECKS)
    validation.refuse_other_code(values, project.code)

    def work() -> DonationProject:
        fresh = DonationProject.objects.select_for_update(no_key=True).get(pk=project.pk)
        for name, value in values.items():
            setattr(fresh, name, value)
        _refuse_disorder(fresh)
        fresh.save(update_fields=list(values))
        return fresh

    return in_transaction(work)


def accepting(code: str, at: datetime) -> str:
    """For DONATION_PROJECTS: the name of a project that takes donations now; empty for what is no project of ours.

    Raises ProjectClosed.
    """
    known = DonationProject.objects.filter(code=code).first()
    if known is None:
        return ""
    if not project_queries.is_open(known, at):
        raise ProjectClosed(project=known.code)
    return known.name


def _refuse_disorder(project: DonationProject) -> None:
    begin, end = project.starts_at, project.ends_at
    if begin is not None and end is not None and end <= begin:
        raise InvalidInput("/ends_at", "invalid", _("The end has to come after the start."))


def _taken() -> InvalidInput:
    return InvalidInput("/code", "taken", _("There is already a project with this code."))
