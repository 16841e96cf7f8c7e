import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from rewards.models.redemption import Redemption
from rewards.models.reward import Reward
from rewards.models.voucher import Voucher


class Draw(models.Model):
    """A prize draw: a ticket or some points for a chance at one of its prizes."""

    class RoundPeriod(models.TextChoices):
        OPEN = "", pgettext_lazy("draw round", "Until it is closed by hand or the draw ends")
        DAY = "day", pgettext_lazy("draw round", "A day")
        WEEK = "week", pgettext_lazy("draw round", "A week from Monday on")
        MONTH = "month", pgettext_lazy("draw round", "A month")

    code = models.SlugField(_("code"), max_length=50, unique=True)
    name = models.CharField(_("name"), max_length=100)
    terms = models.TextField(_("rules (one a line)"), blank=True)
    points = models.BigIntegerField(
        _("price of a go in points"), null=True, blank=True, help_text=_("Empty: tickets only.")
    )
    per_member = models.PositiveIntegerField(_("goes per member"), null=True, blank=True)
    per_member_period = models.CharField(
        _("per member and"), max_length=10, choices=Reward.Period, default=Reward.Period.DAY
    )
    tiers = ArrayField(
        models.CharField(max_length=50),
        verbose_name=_("only for tiers (codes)"),
        default=list,
        blank=True,
    )
    round_period = models.CharField(
        _("a round lasts"),
        max_length=10,
        choices=RoundPeriod,
        default=RoundPeriod.OPEN,
        blank=True,
    )
    starts_at = models.DateTimeField(_("from"), null=True, blank=True)
    ends_at = models.DateTimeField(_("until"), null=True, blank=True)
    active = models.BooleanField(_("switched on"), default=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("draw")
        verbose_name_plural = _("draws")
        constraints = [
            models.CheckConstraint(
                condition=Q(points__isnull=True) | Q(points__gte=10), name="draw_points_from_10"
            ),
            models.CheckConstraint(
                condition=Q(per_member__isnull=True) | Q(per_member__gte=1),
                name="draw_per_member_positive",
            ),
            models.CheckConstraint(
                condition=Q(starts_at__isnull=True)
                | Q(ends_at__isnull=True)
                | Q(ends_at__gt=F("starts_at")),
                name="draw_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.code})"


class DrawPrize(models.Model):
    """What can be won, how likely and how often; prizes are published in the order of their position."""

    class Kind(models.TextChoices):
        REWARD = "reward", pgettext_lazy("prize", "A reward")
        POINTS = "points", pgettext_lazy("prize", "Points")
        NOTHING = "nothing", _("Nothing this time")

    draw = models.ForeignKey(
        Draw, models.PROTECT, related_name="prizes", verbose_name=_("draw"), db_index=False
    )
    position = models.PositiveIntegerField(_("position"))
    name = models.CharField(_("name"), max_length=100)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    reward = models.ForeignKey(
        Reward, models.PROTECT, related_name="+", null=True, blank=True, verbose_name=_("reward")
    )
    points = models.BigIntegerField(_("points"), null=True, blank=True)
    weight = models.PositiveIntegerField(_("weight"))
    stock = models.BigIntegerField(
        _("prizes left"), null=True, blank=True, help_text=_("Empty: unlimited.")
    )
    # Of these, what was taken from the reward's own stock when the open round began.
    set_aside = models.BigIntegerField(_("set aside"), default=0, editable=False)
    # A prize that was taken off stands in old rounds, but in no new one.
    active = models.BooleanField(_("can be won"), default=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("prize")
        verbose_name_plural = _("prizes")
        constraints = [
            models.UniqueConstraint(
                fields=["draw", "position"], name="drawprize_position_in_draw"
            ),
            models.CheckConstraint(condition=Q(weight__gte=1), name="drawprize_weight_positive"),
            models.CheckConstraint(
                condition=Q(stock__isnull=True) | Q(stock__gte=0),
                name="drawprize_stock_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(set_aside=0) | Q(set_aside__gt=0, set_aside__lte=F("stock")),
                name="drawprize_set_aside_within_stock",
            ),
            models.CheckConstraint(
                condition=Q(kind="reward", reward__isnull=False, points__isnull=True)
                | Q(kind="points", points__gt=0, reward__isnull=True)
                | Q(kind="nothing", reward__isnull=True, points__isnull=True),
                name="drawprize_of_its_kind",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DrawRound(models.Model):
    """A stretch of a draw under one seed, of which the hash is published first and the seed at the end."""

    draw = models.ForeignKey(
        Draw, models.PROTECT, related_name="rounds", verbose_name=_("draw"), db_index=False
    )
    number = models.PositiveIntegerField(_("round"))
    code = models.CharField(_("round id"), max_length=70, unique=True)
    # 32 bytes as hex; told to nobody before the round is closed.
    seed = models.CharField(max_length=64, editable=False)
    seed_hash = models.CharField(_("SHA-256 of the seed"), max_length=64, editable=False)
    # The prizes as they were published: [{id, name, kind, weight, stock}], in their order.
    prizes = models.JSONField(_("published prizes"), default=list, editable=False)
    tickets = models.PositiveBigIntegerField(_("tickets drawn"), default=0)
    opened_at = models.DateTimeField(_("opened at"))
    # When it closes by itself; empty: by hand or with the draw.
    closes_at = models.DateTimeField(_("closes at"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("draw round")
        verbose_name_plural = _("draw rounds")
        constraints = [
            models.UniqueConstraint(fields=["draw", "number"], name="drawround_number_in_draw"),
            models.UniqueConstraint(
                fields=["draw"],
                condition=Q(closed_at__isnull=True),
                name="drawround_one_open_in_draw",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(closed_at__gte=F("opened_at")),
                name="drawround_closes_after_it_opened",
            ),
        ]

    def __str__(self) -> str:
        return self.code


class DrawPlay(models.Model):
    """One go at a draw, append-only: ticket `number` of its round, who drew it, what paid for it and what it won."""

    round = models.ForeignKey(
        DrawRound, models.PROTECT, related_name="+", verbose_name=_("round"), db_index=False
    )
    number = models.PositiveBigIntegerField(_("ticket"))
    member = models.ForeignKey(
        "members.Member",
        models.PROTECT,
        related_name="+",
        verbose_name=_("member"),
        db_index=False,
    )
    # The number the ticket was drawn for; it stays when members are merged.
    member_number = models.CharField(_("member number"), max_length=20)
    reference = models.CharField(_("reference"), max_length=200)
    drawn_at = models.DateTimeField(_("drawn at"))
    points = models.BigIntegerField(_("points paid"), default=0)
    voucher = models.OneToOneField(
        Voucher,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("ticket paid with"),
    )
    digest = models.CharField(_("HMAC-SHA256"), max_length=64)
    prize = models.ForeignKey(DrawPrize, models.PROTECT, related_name="+", verbose_name=_("prize"))
    redemption = models.OneToOneField(
        Redemption,
        models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
        verbose_name=_("what was won"),
    )
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("go at a draw")
        verbose_name_plural = _("goes at draws")
        constraints = [
            models.UniqueConstraint(fields=["round", "number"], name="drawplay_number_in_round"),
            models.UniqueConstraint(
                fields=["member", "reference"], name="drawplay_once_per_reference"
            ),
            models.CheckConstraint(condition=Q(number__gte=1), name="drawplay_number_positive"),
            models.CheckConstraint(
                condition=Q(points=0, voucher__isnull=False)
                | Q(points__gt=0, voucher__isnull=True),
                name="drawplay_paid_by_one",
            ),
        ]
        indexes = [
            models.Index(fields=["member", "-drawn_at", "-id"], name="drawplay_of_member"),
            models.Index(fields=["-drawn_at", "-id"], name="drawplay_newest_first"),
        ]
        triggers = [pgtrigger.Protect(name="kept", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.round_id} · {self.number}"
