"""The console's decisions about one member: freeze, unfreeze, close, merge; each page says first what it means."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views import View
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from loyalty import closing, merging
from loyalty import queries as loyalty_queries
from members import lifecycle
from members import queries as member_queries
from members.errors import InvalidInput, NotFound, Refusal
from members.models import Member
from rewards import queries as reward_queries

FOUND = 20


def _reason(*, required: bool) -> forms.CharField:
    return forms.CharField(
        label=capfirst(_("reason")),
        max_length=200,
        required=required,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=_("Seen by staff only."),
    )


class FreezeForm(forms.Form):
    reason = _reason(required=True)


class UnfreezeForm(forms.Form):
    reason = _reason(required=False)


class CloseForm(forms.Form):
    reason = _reason(required=False)
    forfeit = forms.BooleanField(
        label=_("Forfeit the points that are left"), required=False, widget=UnfoldBooleanWidget
    )


class MergeForm(forms.Form):
    into = forms.CharField(max_length=20, widget=forms.HiddenInput)


class Decision(View):
    """A page that shows what a decision means, and the verb behind its button."""

    permission: str
    template: str
    form_class: type[forms.Form]
    title: Any
    member: Member

    def dispatch(self, request: HttpRequest, *args: Any, **names: Any) -> HttpResponseBase:
        if not request.user.has_perm(self.permission):
            raise PermissionDenied
        self.member = get_object_or_404(Member.objects.with_names(), pk=names["pk"])
        if self.member.status == Member.Status.CLOSED:
            messages.error(request, gettext("This membership is closed."))
            return self._to(self.member)
        return super().dispatch(request, *args, **names)

    def get(self, request: HttpRequest, pk: int) -> HttpResponse:
        return self._page(self.form_class())

    def post(self, request: HttpRequest, pk: int) -> HttpResponse:
        form = self.form_class(request.POST)
        if form.is_valid():
            try:
                member, said = self.decide(form.cleaned_data)
            except InvalidInput as problem:
                form.add_error(None, problem.detail)
            except (Refusal, NotFound) as problem:
                form.add_error(None, str(problem))
            else:
                self._log(said)
                messages.success(request, said)
                return self._to(member)
        return self._page(form)

    def decide(self, said: dict[str, Any]) -> tuple[Member, str]:
        """Call the verb; returns whose page to go on with, and what happened in words."""
        raise NotImplementedError

    def shown(self) -> dict[str, Any]:
        """What the page tells beside the member."""
        return {}

    @property
    def by(self) -> str:
        return self.request.user.get_username()

    def _page(self, form: forms.Form) -> HttpResponse:
        context = {
            **admin.site.each_context(self.request),
            "opts": Member._meta,
            "title": self.title,
            "member": self.member,
            "form": form,
            **self.shown(),
        }
        return TemplateResponse(self.request, self.template, context)

    def _log(self, said: str) -> None:
        fresh = Member.objects.get(pk=self.member.pk)
        admin.site.get_model_admin(Member).log_change(self.request, fresh, said)

    def _to(self, member: Member) -> HttpResponse:
        return redirect("admin:members_member_change", member.pk)


class FreezeView(Decision):
    permission = "members.freeze_member"
    template = "admin/members/member/freeze.html"
    form_class = FreezeForm
    title = _("Freeze this member?")

    def decide(self, said: dict[str, Any]) -> tuple[Member, str]:
        frozen = lifecycle.freeze(
            member=self.member, reason=said["reason"], by=self.by, at=timezone.now()
        )
        return frozen, gettext("Frozen: spending waits until you unfreeze the member.")


class UnfreezeView(Decision):
    permission = "members.freeze_member"
    template = "admin/members/member/unfreeze.html"
    form_class = UnfreezeForm
    title = _("Let this member spend again?")

    def decide(self, said: dict[str, Any]) -> tuple[Member, str]:
        active = lifecycle.unfreeze(
            member=self.member, reason=said["reason"], by=self.by, at=timezone.now()
        )
        return active, gettext("The member can spend again.")

    def shown(self) -> dict[str, Any]:
        return {"frozen": self.member.status_changes.order_by("-at", "-id").first()}


class CloseView(Decision):
    permission = "members.close_member"
    template = "admin/members/member/close.html"
    form_class = CloseForm
    title = _("Close this membership for good?")

    def decide(self, said: dict[str, Any]) -> tuple[Member, str]:
        asked = closing.Closing(
            member=self.member.number, forfeit=said["forfeit"], reason=said["reason"]
        )
        closed = closing.close(closing=asked, by=self.by, at=timezone.now())
        return closed, gettext("Closed: what was personal is cleared, the history stays.")

    def shown(self) -> dict[str, Any]:
        at = timezone.now()
        figures = loyalty_queries.figures(member=self.member, at=at)
        return {
            "figures": figures,
            "is_empty": not (figures.active or figures.pending or figures.reserved),
            "vouchers": reward_queries.usable_vouchers_of(member=self.member, at=at).count(),
        }


class MergeView(Decision):
    permission = "members.merge_member"
    template = "admin/members/member/merge.html"
    form_class = MergeForm
    title = _("Merge into another member")

    def decide(self, said: dict[str, Any]) -> tuple[Member, str]:
        target = merging.merge(
            source=self.member.number, into=said["into"], by=self.by, at=timezone.now()
        )
        words = {"source": self.member.number, "target": target.number}
        return target, gettext("Member %(source)s was merged into %(target)s.") % words

    def shown(self) -> dict[str, Any]:
        target = self._target()
        term = self.request.GET.get("q", "").strip()
        others = member_queries.search(term).exclude(pk=self.member.pk)
        return {
            "term": term,
            "found": [] if target else list(others.exclude(status=Member.Status.CLOSED)[:FOUND]),
            "target": target,
            **(self._preview(target) if target else {}),
        }

    def _target(self) -> Member | None:
        """The member that was chosen, by its number in the address or the form."""
        number = self.request.POST.get("into") or self.request.GET.get("into", "")
        try:
            found = member_queries.by_number(number)
        except NotFound:
            return None
        is_other = found.pk != self.member.pk and found.status != Member.Status.CLOSED
        return found if is_other else None

    def _preview(self, target: Member) -> dict[str, Any]:
        at = timezone.now()
        figures = loyalty_queries.figures_of(members=[self.member, target], at=at)
        source, own = figures[self.member.pk], figures[target.pk]
        net = source.active + own.active - source.debt - own.debt
        sums = {
            _("Available points"): (source.active, own.active, max(0, net)),
            _("Pending"): (source.pending, own.pending, source.pending + own.pending),
            _("On hold"): (source.reserved, own.reserved, source.reserved + own.reserved),
            _("Debt"): (source.debt, own.debt, max(0, -net)),
            _("Status points"): (
                source.status_points,
                own.status_points,
                source.status_points + own.status_points,
            ),
        }
        filled = lifecycle.gaps(source=self.member, target=target)
        meta: Any = Member._meta
        return {
            "sums": [(name, *row) for name, row in sums.items()],
            "filled": [capfirst(meta.get_field(name).verbose_name) for name in filled],
            "is_frozen": Member.Status.FROZEN in {self.member.status, target.status},
        }
