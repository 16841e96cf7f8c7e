"""What about a reward is most likely not what the merchant means: said in the console, refused nowhere."""

from collections.abc import Callable, Iterator

from django.utils.translation import gettext as _

from rewards.models import Reward

Kind = Reward.Kind


def hints(reward: Reward) -> list[str]:
    """Sentences for the merchant, each with what to do; none where all is well."""
    of_kind = _OF_KIND.get(reward.kind)
    return [*(of_kind(reward) if of_kind else ()), *_discount(reward), *_tier_prices(reward)]


def _coupon(reward: Reward) -> Iterator[str]:
    is_named = reward.summary or reward.terms
    if reward.discount_amount is None and reward.discount_percent is None and not is_named:
        yield _(
            "The coupon takes nothing off. Say how much, or say in one line what members get for it."
        )


def _cash(reward: Reward) -> Iterator[str]:
    if reward.discount_amount is None:
        yield _("It takes no money off: say which amount.")


def _donation(reward: Reward) -> Iterator[str]:
    if reward.project_id is None:
        yield _("The points go to no project: choose the one they are donated to.")


def _content(reward: Reward) -> Iterator[str]:
    if not reward.content and not reward.content_url:
        yield _("There is nothing to read: put the content in, or its address.")


_OF_KIND: dict[str, Callable[[Reward], Iterator[str]]] = {
    Kind.COUPON: _coupon,
    Kind.CASH: _cash,
    Kind.DONATION: _donation,
    Kind.CONTENT: _content,
}


def _discount(reward: Reward) -> Iterator[str]:
    off, least = reward.discount_amount, reward.min_spend
    if off is not None and least and off > least:
        yield _("It takes more off than the order has to come to. Are the two amounts mixed up?")


def _tier_prices(reward: Reward) -> Iterator[str]:
    if any(points > reward.points for points in reward.tier_prices.values()):
        yield _("The price of a tier is above the price for everybody. Is it meant to be dearer?")
