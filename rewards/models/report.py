from django.utils.translation import gettext_lazy as _

from rewards.models.reward import Reward


class RewardReport(Reward):
    """The rewards as a report: a screen and a permission of its own, since not everybody at a counter sees costs."""

    class Meta:
        proxy = True
        default_permissions = ("view",)
        verbose_name = _("popularity and cost of rewards")
        verbose_name_plural = _("popularity and cost of rewards")
