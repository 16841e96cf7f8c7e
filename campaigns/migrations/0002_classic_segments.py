from django.db import migrations

GROUP = "classic"
# A member is in the first that applies; the merchant may change every number.
SEGMENTS = [
    (
        "dormant",
        "沉睡会员",
        "超过 90 天没有消费，手里还有超过 10,000 积分",
        [("days_since_last_order", "gt", 90), ("active", "gt", 10_000)],
    ),
    (
        "high_value",
        "高价值会员",
        "超过 20,000 积分，消费超过 5 次",
        [("active", "gt", 20_000), ("orders", "gt", 5)],
    ),
    (
        "potential",
        "潜力会员",
        "超过 5,000 积分，消费不到 2 次",
        [("active", "gt", 5_000), ("orders", "lt", 2)],
    ),
    ("new", "新会员", "注册不满 30 天", [("days_since_enrolled", "lt", 30)]),
]


def create(apps, schema_editor):
    segment = apps.get_model("campaigns", "Segment")
    for position, (code, name, description, conditions) in enumerate(SEGMENTS, start=1):
        rules = {"all": [{"field": field, "op": op, "value": value} for field, op, value in conditions]}
        segment.objects.get_or_create(
            code=code,
            defaults={
                "name": name,
                "description": description,
                "rules": rules,
                "group": GROUP,
                "position": position,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("campaigns", "0001_campaigns")]

    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
