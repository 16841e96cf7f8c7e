from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("rewards", "0004_carry_over")]

    operations = [
        migrations.AlterField(
            model_name="voucher",
            name="lookup",
            field=models.CharField(editable=False, max_length=64, unique=True),
        ),
    ]
