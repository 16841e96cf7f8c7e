from django.db import migrations


def create(apps, schema_editor):
    point_type = apps.get_model("loyalty", "PointType")
    point_type.objects.get_or_create(
        code="points", defaults={"name": "积分", "kind": "redeemable"}
    )
    point_type.objects.get_or_create(code="status", defaults={"name": "成长值", "kind": "status"})
    apps.get_model("loyalty", "Program").objects.get_or_create(id=1)


# What of an entry its digest covers; moments as seconds, so that no session's time zone shows in them. One text is put
# together rather than a JSON value, which costs twice as much; the reference's length keeps its end unmistakable.
DIGEST = """
CREATE FUNCTION loyalty_entry_digest(e loyalty_entry) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT sha256(convert_to(concat_ws('/', e.id, e.wallet_id, e.kind, e.points, e.balance, e.sequence,
        length(e.reference), e.reference, extract(epoch FROM e.at), coalesce(e.corrects_id, 0),
        coalesce(e.store_id, 0), e.details, e.explanation), 'UTF8'))
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
