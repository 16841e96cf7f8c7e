"""What there was before: look-up codes of vouchers, and the stock as the first movement."""

from django.db import migrations
from django.db.models import F


def carry_over(apps, schema_editor):
    Voucher = apps.get_model("rewards", "Voucher")
    Voucher.objects.filter(lookup=None).update(lookup=F("code"))
    Reward = apps.get_model("rewards", "Reward")
    StockMovement = apps.get_model("rewards", "StockMovement")
    stocked = Reward.objects.filter(stock__gt=0)
    StockMovement.objects.bulk_create(
        StockMovement(reward=reward, pieces=reward.stock, cause="received", at=reward.created_at)
        for reward in stocked
    )
    Reward.objects.filter(stock__isnull=False).update(stock_start=F("stock"))


class Migration(migrations.Migration):
    dependencies = [("rewards", "0003_everything_points_buy")]

    operations = [
        migrations.RunPython(carry_over, migrations.RunPython.noop, elidable=True),
    ]
