"""Fill an empty database with the demo shop 禾间 and tell its logins."""

from datetime import timedelta
from random import Random
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from campaigns import segmenting
from config.demo import campaigns, latest, logins, people, purchases, redeemers, shop, treats
from config.demo.story import Teller
from config.demo.year import Year
from loyalty import programs
from members.models import Member, Store, User

SEED = 20_261_121
A_YEAR = timedelta(days=366)


class Command(BaseCommand):
    help = _("Fill an empty database with the demo shop and tell its logins.")

    def handle(self, *args: Any, **options: Any) -> None:
        if is_untouched():
            if not settings.DEBUG:
                self.stdout.write(
                    _(
                        "DEBUG is off: the demo shop, whose passwords everybody knows, is not made here. "
                        "Make the owner's login with manage.py createsuperuser."
                    )
                )
                return
            make()
        told = logins.told()
        if told:
            self.stdout.write(logins.in_both(gettext_noop("Demo logins")))
            self.stdout.write("\n".join(told))


def is_untouched() -> bool:
    """Whether nobody has begun to use this database for a shop of their own."""
    return not any(model.objects.exists() for model in (Member, Store, User))


@transaction.atomic
def make() -> None:
    """The whole shop or nothing of it."""
    at = timezone.now()
    rng = Random(SEED)  # noqa: S311 - a story, not a secret
    zone = programs.current().zone
    shop.open_shop(at=at - A_YEAR)
    campaigns.open_campaigns(at=at, zone=zone)
    logins.make_staff()
    lin = people.enrol_lin(at=at)
    acts = campaigns.acts_of(lin=lin, at=at, zone=zone)
    Teller(member=lin, at=at, zone=zone, acts=acts).tell()
    guests = people.enrol_guests(rng=rng, at=at)
    Year(guests=guests, rng=rng, at=at).live(
        purchases.year_of(guests=guests, rng=rng, at=at, zone=zone)
    )
    shop.count_stock(at=at)
    latest.live(guests=guests, at=at)
    treats.stock_up(at=at)
    redeemers.live(lin=lin, guests=guests, at=at)
    campaigns.share(lin=lin, at=at)
    segmenting.refresh_all(at=at)
