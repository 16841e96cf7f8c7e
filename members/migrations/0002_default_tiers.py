from django.db import migrations

TIERS = [
    ("base", "普通", 0, 0, "1"),
    ("silver", "银卡", 1, 5_000, "1.2"),
    ("gold", "金卡", 2, 20_000, "1.5"),
    ("diamond", "钻石", 3, 50_000, "2"),
]


def create(apps, schema_editor):
    tier = apps.get_model("members", "Tier")
    for code, name, rank, threshold, multiplier in TIERS:
        tier.objects.get_or_create(
            code=code,
            defaults={
                "name": name,
                "rank": rank,
                "threshold": threshold,
                "multiplier": multiplier,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("members", "0001_members")]

    operations = [migrations.RunPython(create, migrations.RunPython.noop)]
