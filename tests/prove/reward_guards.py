"""What the database refuses of what rewards and messages keep: a statement that breaks each guard."""

from datetime import timedelta
from typing import Any

from members.models import Message, MessageTemplate
from rewards import models
from tests.prove.campaign_guards import again


def _set(table: str, change: str) -> str:
    table = f"rewards_{table}"
    return f"UPDATE {table} SET {change} WHERE id = (SELECT min(id) FROM {table})"


def _without(table: str, guard: str, change: str) -> list[str]:
    """A change that another guard would refuse first."""
    return [f"ALTER TABLE rewards_{table} DROP CONSTRAINT {guard}; {_set(table, change)}"]


_WINDOW = "starts_at = now(), ends_at = now()"
_CLOSED = {"closed_at": "opened_at"}

VIOLATIONS: dict[str, list[str]] = {
    # the catalogue
    "rewards_reward_code_key": [again("rewards_reward")],
    "reward_points_positive": [_set("reward", "points = 0")],
    "reward_stock_not_negative": [_set("reward", "stock = -1")],
    "reward_cash_not_negative": [_set("reward", "cash = -1")],
    "reward_ends_after_start": [_set("reward", _WINDOW)],
    "reward_per_member_positive": [_set("reward", "per_member = 0")],
    "rewards_reward_per_member_check": _without(
        "reward", "reward_per_member_positive", "per_member = -1"
    ),
    "reward_partner_share_is_a_share": [
        _set("reward", "partner_share = -0.1"),
        _set("reward", "partner_share = 1.1"),
    ],
    "reward_discount_amount_positive": [_set("reward", "discount_amount = 0")],
    "reward_discount_percent_within_100": [
        _set("reward", "discount_percent = 0"),
        _set("reward", "discount_percent = 101"),
    ],
    "reward_one_kind_of_discount": [_set("reward", "discount_amount = 1, discount_percent = 1")],
    "reward_min_spend_not_negative": [_set("reward", "min_spend = -1")],
    "reward_early_before_start": [
        _set("reward", "early_from = now()"),
        _set("reward", "early_from = now(), starts_at = now()"),
    ],
    "reward_draft_minutes_positive": [_set("reward", "draft_minutes = 0")],
    "rewards_reward_draft_minutes_check": _without(
        "reward", "reward_draft_minutes_positive", "draft_minutes = -1"
    ),
    "rewards_reward_valid_days_check": [_set("reward", "valid_days = -1")],
    "rewards_reward_valid_from_days_check": [_set("reward", "valid_from_days = -1")],
    "rewards_rewardpicture_reward_id_key": [again("rewards_rewardpicture")],
    "rewardpicture_has_a_size": [
        _set("rewardpicture", "width = 0"),
        _set("rewardpicture", "height = 0"),
    ],
    "rewards_rewardpicture_width_check": _without(
        "rewardpicture", "rewardpicture_has_a_size", "width = -1"
    ),
    "rewards_rewardpicture_height_check": _without(
        "rewardpicture", "rewardpicture_has_a_size", "height = -1"
    ),
    "variant_code_in_reward": [again("rewards_variant")],
    "variant_stock_not_negative": [_set("variant", "stock = -1")],
    "variant_extra_points_not_negative": [_set("variant", "extra_points = -1")],
    "variant_ends_after_it_begins": [
        _set("variant", "ends_at = now()"),
        _set("variant", "begins_at = now(), ends_at = now()"),
    ],
    "rewards_variant_position_check": [_set("variant", '"position" = -1')],
    # offers and prices
    "rewards_offer_code_key": [again("rewards_offer")],
    "offer_points_positive": [_set("offer", "points = 0")],
    "offer_cash_not_negative": [_set("offer", "cash = -1")],
    "offer_stock_not_negative": [_set("offer", "stock = -1")],
    "offer_per_member_positive": [_set("offer", "per_member = 0")],
    "rewards_offer_per_member_check": _without(
        "offer", "offer_per_member_positive", "per_member = -1"
    ),
    "offer_ends_after_start": [_set("offer", "ends_at = starts_at")],
    "pricequote_one_for_each_member": [again("rewards_pricequote")],
    "pricequote_points_positive": [_set("pricequote", "points = 0")],
    "pricequote_stands_for_a_while": [_set("pricequote", "expires_at = quoted_at")],
    # redemptions and stock
    "rewards_redemption_number_key": [
        again("rewards_redemption", reference="'other'", hold_id="NULL")
    ],
    "redemption_once_per_reference": [
        again("rewards_redemption", number="'other'", hold_id="NULL")
    ],
    "rewards_redemption_hold_id_key": [
        "UPDATE rewards_redemption SET hold_id = (SELECT min(id) FROM loyalty_hold)"
    ],
    "redemption_figures_positive": [
        _set("redemption", "points = -1"),
        _set("redemption", "quantity = 0"),
        _set("redemption", "cash = -1"),
    ],
    "rewards_redemption_quantity_check": _without(
        "redemption", "redemption_figures_positive", "quantity = -1"
    ),
    "redemption_reserved_until": [_set("redemption", "state = 'reserved'")],
    "redemption_reserved_for_a_while": [_set("redemption", "reserved_until = redeemed_at")],
    "redemption_fulfilled_has_moment": [_set("redemption", "state = 'fulfilled'")],
    "redemption_partner_share_is_a_share": [
        _set("redemption", "partner_share = -0.1"),
        _set("redemption", "partner_share = 1.1"),
    ],
    "stockmovement_not_zero": [again("rewards_stockmovement", pieces="0")],
    "stockmovement_of_one_thing": [
        again(
            "rewards_stockmovement",
            variant_id="(SELECT min(id) FROM rewards_variant)",
            offer_id="(SELECT min(id) FROM rewards_offer)",
        )
    ],
    "rewards_stockmovement.append_only": [
        "UPDATE rewards_stockmovement SET pieces = 7",
        "DELETE FROM rewards_stockmovement",
    ],
    # vouchers
    "rewards_voucher_code_key": [again("rewards_voucher", lookup="'X'", used_reference="''")],
    "rewards_voucher_lookup_de56c84d_uniq": [
        again("rewards_voucher", code="'X'", used_reference="''")
    ],
    "voucher_once_per_use_reference": [again("rewards_voucher", code="'X'", lookup="'X'")],
    "voucher_used_has_moment": [
        _set("voucher", "used_at = NULL"),
        _set("voucher", "state = 'void'"),
    ],
    "voucher_amount_positive": [_set("voucher", "amount = 0")],
    "voucher_code_not_empty": [_set("voucher", "code = ''"), _set("voucher", "lookup = ''")],
    "rewards_voucherstep.append_only": [
        "UPDATE rewards_voucherstep SET kind = 'given'",
        "DELETE FROM rewards_voucherstep",
    ],
    "vouchergift_once_per_reference": [again("rewards_vouchergift")],
    "rewards_voucherbatch_reference_key": [again("rewards_voucherbatch")],
    "voucherbatch_pieces_positive": [_set("voucherbatch", "pieces = 0")],
    "rewards_voucherbatch_pieces_check": [_set("voucherbatch", "pieces = -1")],
    "rewards_voucherbatch_given_check": [_set("voucherbatch", "given = -1")],
    "rewards_voucherbatch_refused_check": [_set("voucherbatch", "refused = -1")],
    "rewards_wrongcodes_subject_key": [again("rewards_wrongcodes")],
    "wrongcodes_of_somebody": [_set("wrongcodes", "subject = ''")],
    "rewards_wrongcodes_misses_check": [_set("wrongcodes", "misses = -1")],
    "rewards_wrongcodes_waits_check": [_set("wrongcodes", "waits = -1")],
    "rewards_partnercode_lookup_key": [again("rewards_partnercode", voucher_id="NULL")],
    "rewards_partnercode_voucher_id_key": [again("rewards_partnercode", lookup="'X'")],
    "partnercode_not_empty": [_set("partnercode", "code = ''")],
    "partnercode_of_voucher_is_taken": [_set("partnercode", "is_taken = false")],
    # draws
    "rewards_draw_code_key": [again("rewards_draw")],
    "draw_points_from_10": [_set("draw", "points = 9")],
    "draw_per_member_positive": [_set("draw", "per_member = 0")],
    "rewards_draw_per_member_check": _without(
        "draw", "draw_per_member_positive", "per_member = -1"
    ),
    "draw_ends_after_start": [_set("draw", _WINDOW)],
    "drawprize_position_in_draw": [again("rewards_drawprize")],
    "drawprize_of_its_kind": [
        _set("drawprize", "reward_id = NULL"),
        _set("drawprize", "points = 5"),
        _set("drawprize", "kind = 'points', points = 5"),
        _set("drawprize", "kind = 'points', reward_id = NULL, points = 0"),
        _set("drawprize", "kind = 'nothing'"),
        _set("drawprize", "kind = 'nothing', reward_id = NULL, points = 5"),
        _set("drawprize", "kind = 'elsewhere'"),
    ],
    "drawprize_weight_positive": [_set("drawprize", "weight = 0")],
    "rewards_drawprize_weight_check": _without(
        "drawprize", "drawprize_weight_positive", "weight = -1"
    ),
    "drawprize_stock_not_negative": [_set("drawprize", "stock = -1")],
    "drawprize_set_aside_within_stock": [
        _set("drawprize", "set_aside = -1"),
        _set("drawprize", "set_aside = stock + 1"),
    ],
    "rewards_drawprize_position_check": [_set("drawprize", '"position" = -1')],
    "rewards_drawround_code_key": [again("rewards_drawround", number="9", **_CLOSED)],
    "drawround_number_in_draw": [again("rewards_drawround", code="'other'", **_CLOSED)],
    "drawround_one_open_in_draw": [again("rewards_drawround", number="9", code="'other'")],
    "drawround_closes_after_it_opened": [
        _set("drawround", "closed_at = opened_at - interval '1 second'")
    ],
    "rewards_drawround_number_check": [_set("drawround", '"number" = -1')],
    "rewards_drawround_tickets_check": [_set("drawround", "tickets = -1")],
    "drawplay_number_in_round": [
        again("rewards_drawplay", reference="'x'", points="5", voucher_id="NULL", redemption_id="NULL")
    ],
    "drawplay_once_per_reference": [
        again("rewards_drawplay", number="9", points="5", voucher_id="NULL", redemption_id="NULL")
    ],
    "rewards_drawplay_voucher_id_key": [
        again("rewards_drawplay", number="9", reference="'x'", redemption_id="NULL")
    ],
    "rewards_drawplay_redemption_id_key": [
        again("rewards_drawplay", number="9", reference="'x'", points="5", voucher_id="NULL")
    ],
    "drawplay_number_positive": [_set("drawplay", '"number" = 0')],
    "rewards_drawplay_number_check": _without(
        "drawplay", "drawplay_number_positive", '"number" = -1'
    ),
    "drawplay_paid_by_one": [
        _set("drawplay", "points = 5"),
        _set("drawplay", "voucher_id = NULL"),
    ],
    "rewards_drawplay.kept": ["DELETE FROM rewards_drawplay"],
    # wishes, projects, messages
    "wish_once": [again("rewards_wish")],
    "rewards_donationproject_code_key": [again("rewards_donationproject")],
    "donationproject_goal_positive": [_set("donationproject", "goal_points = 0")],
    "donationproject_ends_after_start": [_set("donationproject", _WINDOW)],
    "members_messagetemplate_code_key": [again("members_messagetemplate")],
    "message_once_per_reference": [again("members_message")],
    "message_read_after_it_was_sent": [
        "UPDATE members_message SET read_at = sent_at - interval '1 second'"
    ],
}  # fmt: skip


def rows(*, member: Any, friend: Any, at: Any) -> None:
    """A row in every table of the rewards, and a message; the reward and its redemption are there."""
    reward, redemption = models.Reward.objects.get(), models.Redemption.objects.get()
    models.RewardPicture.objects.create(reward=reward, body=b"", width=1, height=1, digest="d")
    models.Variant.objects.create(reward=reward, code="v", name="V")
    models.Offer.objects.create(
        code="o", name="O", reward=reward, points=5, starts_at=at, ends_at=at + timedelta(days=1)
    )
    end = at + timedelta(minutes=10)
    each = {"member": member, "reward": reward}
    models.PriceQuote.objects.create(**each, points=5, quoted_at=at, expires_at=end)
    models.Redemption.objects.create(
        **each, number="R2", quantity=1, points=0, reference="g2", redeemed_at=at
    )
    models.StockMovement.objects.create(reward=reward, pieces=1, cause="received", at=at)
    voucher = models.Voucher.objects.create(
        **each, code="C", lookup="C", redemption=redemption, issued_at=at, state="used",
        used_at=at, used_reference="u",
    )  # fmt: skip
    models.VoucherStep.objects.create(voucher=voucher, kind="used", at=at)
    models.VoucherGift.objects.create(
        voucher=voucher, giver=member, receiver=friend, reference="g", at=at
    )
    models.VoucherBatch.objects.create(
        name="B", reward=reward, segment="s", reference="b", made_at=at
    )
    models.WrongCodes.objects.create(subject="k", since=at)
    models.PartnerCode.objects.create(
        reward=reward, code="P", lookup="P", is_taken=True, voucher=voucher, added_at=at
    )
    draw = models.Draw.objects.create(code="d", name="D", points=10)
    prize = models.DrawPrize.objects.create(
        draw=draw, position=1, name="M", kind="reward", reward=reward, weight=1, stock=5
    )
    round_ = models.DrawRound.objects.create(draw=draw, number=1, code="d-1", opened_at=at)
    models.DrawPlay.objects.create(
        round=round_, number=1, member=member, member_number="1", reference="p", drawn_at=at,
        voucher=voucher, prize=prize, redemption=redemption,
    )  # fmt: skip
    models.Wish.objects.create(**each, added_at=at)
    models.DonationProject.objects.create(code="t", name="T")
    MessageTemplate.objects.get_or_create(code="t")
    Message.objects.create(member=member, template="t", reference="r", texts={}, sent_at=at)
