from django.db import transaction

from loyalty import owning
from members.models import Member
from tests.conftest import NOON


class TestLockOwner:
    def test_locks_the_owner(self, ada: Member) -> None:
        with transaction.atomic():
            owner, held = owning.lock_owner(owner_of=lambda: ada.pk, at=NOON, types=["points"])

        assert (owner, held.of(ada.pk).active) == (ada.pk, 1000)

    def test_follows_what_was_handed_over_while_waiting(self, ada: Member, bob: Member) -> None:
        owners = iter([ada.pk, bob.pk, bob.pk, bob.pk])

        with transaction.atomic():
            owner, held = owning.lock_owner(
                owner_of=lambda: next(owners), at=NOON, types=["points"]
            )

        assert owner == bob.pk
        assert [wallet.member_id for wallet in held.wallets.values()] == [bob.pk]
