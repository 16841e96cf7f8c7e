from django.db import migrations


def create(apps, schema_editor):
    point_type = apps.get_model("loyalty", "PointType")
    point_type.objects.get_or_create(
        code="points", defaults={"name": "积分", "kind": "redeemable"}
    )
    point_type.objects.get_or_create(code="status", defaults={"name": "成长值", "kind": "status"})
    apps.get_model("loyalty", "Program").objects.get_or_create(id=1)


# What of an entry its digest covers; moments as seconds, so that no session's time zone shows in them.
DIGEST = """
CREATE FUNCTION loyalty_entry_digest(e loyalty_entry) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(jsonb_build_array(e.id, e.wallet_id, e.kind, e.points, e.balance, e.sequence, e.reference,
        extract(epoch FROM e.at), e.details, e.explanation, e.corrects_id, e.store_id)::text, 'UTF8'))
$$"""


class Migration(migrations.Migration):
    dependencies = [("loyalty", "0001_ledger")]

    operations = [
        migrations.RunPython(create, migrations.RunPython.noop),
        migrations.RunSQL(DIGEST, "DROP FUNCTION loyalty_entry_digest"),
        # Wallets and lots are updated in place: room on the page keeps their indexes untouched.
        migrations.RunSQL(
            "ALTER TABLE loyalty_wallet SET (fillfactor = 70);"
            "ALTER TABLE loyalty_lot SET (fillfactor = 85);",
            "ALTER TABLE loyalty_wallet RESET (fillfactor);"
            "ALTER TABLE loyalty_lot RESET (fillfactor);",
        ),
    ]
