"""The messages that rewards send, in their first words; the merchant may change them in the console."""

from members.message_templates import Template

WISH_AFFORDABLE = "wish_affordable"
WISH_BACK = "wish_back"
VOUCHER_GIFT = "voucher_gift"
VOUCHER_BATCH = "voucher_batch"

TEMPLATES = [
    Template(
        code=WISH_AFFORDABLE,
        title_zh="心愿达成：{reward}",
        body_zh="您的积分已经够兑换“{reward}”了，需要 {points} 积分。喜欢就来换吧，换完为止。",
        title_en="You can have it now: {reward}",
        body_en="Your points are enough for “{reward}” now: it takes {points} points, while stocks last.",
        samples={"reward": "手冲咖啡", "points": 1_280},
        drawing="heart",
    ),
    Template(
        code=WISH_BACK,
        title_zh="可以兑换了：{reward}",
        body_zh="您心愿单里的“{reward}”现在可以兑换了，需要 {points} 积分。",
        title_en="To be had: {reward}",
        body_en="“{reward}” from your wishes is there now, for {points} points.",
        samples={"reward": "手冲咖啡", "points": 1_280},
        drawing="heart",
    ),
    Template(
        code=VOUCHER_GIFT,
        title_zh="{from}送您一张“{reward}”",
        body_zh="它已经在您的券包里了，出示即可使用。{note}",
        title_en="{from} gave you “{reward}”",
        body_en="It is among your vouchers now, ready to be shown at the till. {note}",
        samples={"from": "陈**", "reward": "手冲咖啡", "note": "“生日快乐！”"},
        drawing="gift",
    ),
    Template(
        code=VOUCHER_BATCH,
        title_zh="送您“{reward}”",
        body_zh="{title}：券已放进您的券包，出示即可使用。",
        title_en="For you: {reward}",
        body_en="{title}: it is among your vouchers, ready to be shown at the till.",
        samples={"reward": "手冲咖啡", "title": "冬日回馈"},
        drawing="ticket",
    ),
]
