from django.db import migrations, models


class Migration(migrations.Migration):
    """Floating prices count the demand of five weeks without reading a row of the table."""

    dependencies = [("rewards", "0015_nothing_is_deleted_along")]

    operations = [
        migrations.RemoveIndex(model_name="redemption", name="redemption_of_reward"),
        migrations.AddIndex(
            model_name="redemption",
            index=models.Index(
                fields=["reward", "-redeemed_at", "-id"],
                include=["quantity", "points", "state", "reserved_until"],
                name="redemption_of_reward",
            ),
        ),
    ]
