"""The list of what one campaign gave, the newest first, reads just what it shows."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("campaigns", "0002_classic_segments"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="campaignaward",
            index=models.Index(fields=["campaign", "-id"], name="campaignaward_latest"),
        ),
    ]
