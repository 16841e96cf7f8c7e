import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

# Called by the trigger itself: the function that is generated for it would ask at each row whether to skip it.
WRITE_DIGEST = """
CREATE FUNCTION loyalty_entry_write_digest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.digest := loyalty_entry_digest(NEW);
    RETURN NEW;
END $$"""


class Migration(migrations.Migration):

    dependencies = [
        ('loyalty', '0003_approval_of_campaigns'),
    ]

    operations = [
        migrations.RunSQL(WRITE_DIGEST, "DROP FUNCTION loyalty_entry_write_digest()"),
        pgtrigger.migrations.RemoveTrigger(
            model_name='entry',
            name='digest',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='entry',
            trigger=pgtrigger.compiler.Trigger(name='digest', sql=pgtrigger.compiler.UpsertTriggerSql(execute='loyalty_entry_write_digest()', func='RETURN NEW;', hash='e7ec8a1fa108df3444b51a8611f7271403518b52', operation='INSERT', pgid='pgtrigger_digest_e59f5', table='loyalty_entry', when='BEFORE')),
        ),
    ]
