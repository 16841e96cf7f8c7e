"""Who may see a member's pages: the member, signed in."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.cache import never_cache

from members import logins, tiering
from members.models import Member, User


class MemberRequest(HttpRequest):
    """A request of a signed-in member."""

    member: Member
    user: User


R = TypeVar("R", bound=MemberRequest)
P = ParamSpec("P")


def member_of(request: HttpRequest) -> Member | None:
    """The member who signed in, with the tier; None for visitors and staff."""
    if not request.user.is_authenticated:
        return None
    member = Member.objects.with_names().filter(user_id=request.user.pk).first()
    if member is not None:
        tiering.show(members=[member], at=timezone.now())
    return member


def member_required(
    view: Callable[Concatenate[R, P], HttpResponseBase],
) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
    """Give the view a request with its member; others sign in or finish joining first."""

    @never_cache
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        member = member_of(request)
        if member is None:
            return redirect("members:join" if logins.is_newcomer(request.user) else "home")
        request.member = member  # type: ignore[attr-defined]
        return view(cast(R, request), *args, **kwargs)

    return guarded
