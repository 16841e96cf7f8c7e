"""What becomes of acts, awards, sign-ins and the like when members are merged or closed."""

from datetime import date

from campaigns import acts
from campaigns.acts import ActFacts
from campaigns.models import (
    Act,
    BenefitGrant,
    CampaignAward,
    CheckIn,
    Conversion,
    Segment,
    SegmentMember,
)
from loyalty import closing, merging, ordering
from members import enrolment
from members.enrolment import Newcomer
from members.models import Member, Tier
from tests.campaigns.builders import bonus, campaign
from tests.conftest import NOON
from tests.loyalty.builders import assert_clean, order


def report(member: Member, reference: str) -> Act:
    said = ActFacts(
        member=member.number, type="share", reference=reference, client={"ip": "10.0.0.1"}
    )
    return acts.record(act=said, now=NOON).act


def sign(member: Member, day: int, streak: int = 1) -> None:
    CheckIn.objects.create(member=member, day=date(2026, 11, day), at=NOON, streak=streak)


def merge(source: Member, target: Member) -> None:
    merging.merge(source=source.number, into=target.number, by="eve", at=NOON)


class TestMerged:
    def test_acts_and_limits_go_along(self, ada: Member, bob: Member) -> None:
        campaign("share", trigger="share", effect=bonus(20), limits={"per_member_per_day": 60})
        for reference in ("1", "2"):
            report(bob, reference)
        report(ada, "1")

        merge(bob, ada)

        # Three shares of 20 were the day's limit of the two together.
        assert report(ada, "3").points == 0
        assert Act.objects.filter(member=bob).count() == 0
        assert CampaignAward.objects.filter(member=ada).count() == 4
        assert {act.client["ip"] for act in Act.objects.all()} == {"10.0.0.1"}
        assert_clean()

    def test_orders_count_against_limits_too(self, ada: Member, bob: Member) -> None:
        campaign("first", effect=bonus(100), limits={"per_member": 150})
        for number, member in enumerate((ada, bob)):
            ordering.place(order=order(str(number), "10.00", member=member), at=NOON)

        merge(bob, ada)

        placed = ordering.place(order=order("3", "10.00", member=ada), at=NOON).order
        assert placed is not None
        assert placed.points == 10
        assert_clean()

    def test_a_day_that_both_signed_stays_the_targets(self, ada: Member, bob: Member) -> None:
        sign(ada, 20, streak=5)
        sign(bob, 20, streak=2)
        sign(bob, 21, streak=3)

        merge(bob, ada)

        found = CheckIn.objects.filter(member=ada).order_by("day")
        assert [(each.day.day, each.streak) for each in found] == [(20, 5), (21, 3)]
        assert CheckIn.objects.get(member=bob).day.day == 20

    def test_a_benefit_that_both_had_stays_the_targets(self, ada: Member, bob: Member) -> None:
        for member, period in ((ada, "2026"), (bob, "2026"), (bob, "2025")):
            BenefitGrant.objects.create(
                member=member, tier=Tier.objects.all()[0], benefit="x", period=period, at=NOON
            )

        merge(bob, ada)

        assert BenefitGrant.objects.filter(member=ada).count() == 2
        assert BenefitGrant.objects.get(member=bob).period == "2026"

    def test_friends_go_along_but_nobody_won_oneself(
        self, ada: Member, bob: Member, mallory: Member
    ) -> None:
        campaign("both", trigger="referral.converted", effect=bonus(10, to="both"))
        friends = [
            enrolment.enrol(
                newcomer=Newcomer(phone=f"+8613700000{n:03}", referral_code=bob.referral_code),
                at=NOON,
            )
            for n in range(2)
        ]
        for number, friend in enumerate(friends):
            ordering.place(order=order(str(number), "10.00", member=friend), at=NOON)

        merge(bob, friends[0])

        own, other = Conversion.objects.order_by("id")
        assert (own.referrer, own.referee) == (bob, friends[0])
        assert (other.referrer, other.referee) == (friends[0], friends[1])
        assert_clean()

    def test_segments_are_asked_anew(self, ada: Member, bob: Member) -> None:
        segment = Segment.objects.all()[0]
        SegmentMember.objects.create(segment=segment, member=bob)

        merge(bob, ada)

        assert SegmentMember.objects.count() == 0


class TestClosed:
    def test_what_is_personal_goes_and_the_facts_stay(self, bob: Member) -> None:
        act = report(bob, "1")
        SegmentMember.objects.create(segment=Segment.objects.all()[0], member=bob)

        closing.close(closing=closing.Closing(member=bob.number), by="eve", at=NOON)

        act.refresh_from_db()
        assert (act.client, act.member) == ({}, bob)
        assert SegmentMember.objects.count() == 0
