"""The messages that loyalty sends, in their first words; the merchant may change them in the console."""

from members.message_templates import Template

POINTS_RECEIVED = "points_received"

TEMPLATES = [
    Template(
        code=POINTS_RECEIVED,
        title_zh="{from}转给您 {points} 积分",
        body_zh="积分已到账，有效期不变。{note}",
        title_en="{from} gave you {points} points",
        body_en="They are yours now, with the expiry dates that they had. {note}",
        samples={"from": "陈**", "points": 200, "note": "“生日快乐！”"},
        drawing="give",
    ),
]
