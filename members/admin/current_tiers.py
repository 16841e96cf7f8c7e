"""Lists of members show and find the tiers held now, also where a fall has not been written down yet."""

from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.contrib.filters.admin import RelatedDropdownFilter

from members import tiering
from members.models import Member, Tier


class CurrentTierList(ChangeList):
    """A page of members with their tiers as they are now."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = list(self.result_list)
        tiering.show(members=self.result_list, at=timezone.now())


class CurrentTierFilter(RelatedDropdownFilter):
    """The members who hold a tier now."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Member]) -> QuerySet[Member]:
        asked: Any = self.lookup_val
        key = asked[-1] if isinstance(asked, list) else asked
        tier = Tier.objects.filter(pk=int(key)).first() if str(key or "").isdecimal() else None
        if tier is None:
            return super().queryset(request, queryset)
        return tiering.holding(members=queryset, tier=tier, at=timezone.now())
