from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from members import codes, enrolment, queries
from members.enrolment import Newcomer
from members.errors import AlreadyEnrolled, InvalidInput, MemberClosed
from members.models import Consent, Member, Store, Tier, TierChange

PHONE = "+8613812345678"

TOLD: list[tuple[str, list[int], datetime]] = []


def listen(event: str, members: Sequence[Member], at: datetime) -> None:
    TOLD.append((event, [member.pk for member in members], at))


@pytest.fixture
def told(settings: Any) -> list[tuple[str, list[int], datetime]]:
    """What the handlers of MEMBER_EVENTS were told."""
    TOLD.clear()
    settings.MEMBER_EVENTS = [*settings.MEMBER_EVENTS, f"{__name__}.listen"]
    return TOLD


@pytest.fixture
def store(db: None) -> Store:
    return Store.objects.create(code="SH-1", name="静安寺店")


def phone(number: int) -> str:
    return f"+86139{number:08d}"


def random_from(values: list[str]) -> Callable[..., str]:
    return lambda *_: values.pop(0)


def nothing_written() -> bool:
    return not (Member.objects.exists() or TierChange.objects.exists() or Consent.objects.exists())


class TestEnrol:
    def test_stores_everything_that_is_said(self, store: Store, noon: datetime) -> None:
        referrer = enrolment.enrol(newcomer=Newcomer(phone=phone(1)), at=noon)
        moment = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)
        member = enrolment.enrol(
            newcomer=Newcomer(
                phone=" 138-1234 5678",
                email="ada@example.com",
                name=" 王小明 ",
                birthday=date(1990, 2, 28),
                external_id="CRM-7",
                store="SH-1",
                referral_code=referrer.referral_code.lower(),
                channel="miniapp",
                enrolled_at=moment,
                consents={"marketing_sms": False, "marketing_email": True},
                ip="192.0.2.1",
                device="iPhone",
            ),
            at=noon,
        )
        member.refresh_from_db()
        assert codes.is_member_number(member.number)
        assert len(member.referral_code) == 8
        assert set(member.referral_code) <= set(codes.ALPHABET)
        assert (member.phone, member.email, member.name) == (PHONE, "ada@example.com", "王小明")
        assert (member.birthday, member.external_id) == (date(1990, 2, 28), "CRM-7")
        assert (member.store, member.referrer, member.tier.code) == (store, referrer, "base")
        assert (member.channel, member.status) == ("miniapp", "active")
        assert (member.sign_up_ip, member.sign_up_device) == ("192.0.2.1", "iPhone")
        assert member.enrolled_at == moment
        answers = Consent.objects.filter(member=member).values_list("purpose", "is_given", "at")
        assert set(answers) == {
            ("marketing_sms", False, moment),
            ("marketing_email", True, moment),
        }
        history = TierChange.objects.filter(member=member)
        assert [(step.before, step.tier.code, step.at, step.reason) for step in history] == [
            (None, "base", moment, "enrolled")
        ]

    def test_needs_no_more_than_a_phone_number(self, db: None, noon: datetime) -> None:
        member = enrolment.enrol(newcomer=Newcomer(phone=PHONE), at=noon)
        assert (member.name, member.email, member.birthday, member.store) == ("", "", None, None)
        assert member.enrolled_at == noon

    def test_tells_the_handlers_in_the_same_transaction(
        self, db: None, noon: datetime, told: list[Any]
    ) -> None:
        member = enrolment.enrol(newcomer=Newcomer(phone=PHONE), at=noon)
        assert told == [("enrolled", [member.pk], noon)]

    def test_refuses_a_known_phone_whatever_else_is_said(
        self, db: None, noon: datetime, told: list[Any]
    ) -> None:
        member = enrolment.enrol(newcomer=Newcomer(phone=PHONE, name="Ada"), at=noon)
        for again in [
            Newcomer(phone=PHONE, name="Ada"),
            Newcomer(phone="13812345678", name="Bob", store="nowhere"),
        ]:
            with pytest.raises(AlreadyEnrolled) as refusal:
                enrolment.enrol(newcomer=again, at=noon)
            assert refusal.value.data == {"number": member.number}
        assert Member.objects.count() == TierChange.objects.count() == len(told) == 1

    @pytest.mark.parametrize(
        ("said", "pointer", "code"),
        [
            ({"phone": "12345"}, "/phone", "invalid"),
            ({"phone": None}, "/phone", "required"),
            ({"phone": None, "external_id": "  "}, "/phone", "required"),
            ({"email": "ada@"}, "/email", "invalid"),
            ({"name": "A" * 101}, "/name", "max_length"),
            ({"name": "A\x00"}, "/name", "invalid"),
            ({"birthday": date(2026, 11, 22)}, "/birthday", "max_value"),
            ({"external_id": "A" * 101}, "/external_id", "max_length"),
            ({"store": "nowhere"}, "/store", "unknown"),
            ({"referral_code": "AAAA3333"}, "/referral_code", "unknown"),
            ({"channel": "c" * 51}, "/channel", "max_length"),
            ({"consents": {"sms": 1}}, "/consents/sms", "invalid"),
            ({"consents": {"": True}}, "/consents/", "blank"),
            ({"ip": "not an ip"}, "/client/ip", "invalid"),
            ({"device": "d" * 201}, "/client/device", "max_length"),
            ({"enrolled_at": datetime(2026, 1, 1)}, "/enrolled_at", "invalid"),
        ],
    )
    def test_points_at_bad_input_and_writes_nothing(
        self,
        db: None,
        noon: datetime,
        told: list[Any],
        said: dict[str, Any],
        pointer: str,
        code: str,
    ) -> None:
        with pytest.raises(InvalidInput) as problem:
            enrolment.enrol(newcomer=Newcomer(**{"phone": PHONE, **said}), at=noon)
        assert (problem.value.pointer, problem.value.code) == (pointer, code)
        assert nothing_written()
        assert told == []

    def test_a_birthday_may_be_today(self, db: None, noon: datetime) -> None:
        born_today = Newcomer(phone=PHONE, birthday=date(2026, 11, 21))
        assert enrolment.enrol(newcomer=born_today, at=noon).birthday == date(2026, 11, 21)

    def test_refuses_the_external_id_of_somebody_else(self, db: None, noon: datetime) -> None:
        enrolment.enrol(newcomer=Newcomer(phone=PHONE, external_id="C1"), at=noon)
        with pytest.raises(InvalidInput) as problem:
            enrolment.enrol(newcomer=Newcomer(phone=phone(2), external_id="C1"), at=noon)
        assert (problem.value.pointer, problem.value.code) == ("/external_id", "taken")
        assert Member.objects.count() == 1

    @pytest.mark.parametrize(
        ("email", "is_refused"), [("Ann@Example.com", True), ("", False), ("b@example.com", False)]
    )
    def test_refuses_a_referral_by_oneself(
        self, db: None, noon: datetime, email: str, *, is_refused: bool
    ) -> None:
        ann = enrolment.enrol(newcomer=Newcomer(phone=PHONE, email="ann@example.com"), at=noon)
        again = Newcomer(phone=phone(2), email=email, referral_code=ann.referral_code)

        if is_refused:
            with pytest.raises(InvalidInput) as problem:
                enrolment.enrol(newcomer=again, at=noon)
            assert (problem.value.pointer, problem.value.code) == (
                "/referral_code",
                "self_referral",
            )
            assert Member.objects.count() == 1
        else:
            assert enrolment.enrol(newcomer=again, at=noon).referrer == ann

    def test_a_closed_member_refers_nobody(self, db: None, noon: datetime) -> None:
        gone = enrolment.enrol(newcomer=Newcomer(phone=PHONE), at=noon)
        Member.objects.filter(pk=gone.pk).update(status=Member.Status.CLOSED)
        friend = Newcomer(phone=phone(2), referral_code=gone.referral_code)
        with pytest.raises(InvalidInput) as problem:
            enrolment.enrol(newcomer=friend, at=noon)
        assert problem.value.pointer == "/referral_code"

    def test_begins_in_the_tier_of_the_lowest_rank(self, db: None, noon: datetime) -> None:
        Tier.objects.filter(code="base").update(rank=9)
        assert enrolment.enrol(newcomer=Newcomer(phone=PHONE), at=noon).tier.code == "silver"


class TestRandomCodes:
    """A collision is tried again, also one that only the database notices."""

    def test_a_member_number_that_is_taken(
        self, db: None, noon: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = enrolment.enrol(newcomer=Newcomer(phone=phone(1), name="First"), at=noon)
        free = codes.member_number()
        numbers = [first.number, first.number, free]
        monkeypatch.setattr(codes, "member_number", random_from(numbers))
        second = enrolment.enrol(newcomer=Newcomer(phone=phone(2), name="Second"), at=noon)
        assert (second.number, second.name, numbers) == (free, "Second", [])
        assert queries.by_number(first.number).name == "First"

    def test_a_referral_code_that_is_taken(
        self, db: None, noon: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = enrolment.enrol(newcomer=Newcomer(phone=phone(1)), at=noon)
        monkeypatch.setattr(
            codes, "random_code", random_from([first.referral_code, "AAAA3333", "unused"])
        )
        second = enrolment.enrol(newcomer=Newcomer(phone=phone(2)), at=noon)
        assert second.referral_code == "AAAA3333"

    def test_twice_the_same_in_one_batch(
        self, db: None, noon: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        same, other = codes.member_number(), codes.member_number()
        monkeypatch.setattr(codes, "member_number", random_from([same, same, other]))
        people = [Newcomer(phone=phone(1)), Newcomer(phone=phone(2))]
        outcomes = enrolment.enrol_all(newcomers=people, at=noon)
        assert [one.is_new for one in outcomes] == [True, True]
        assert {one.number for one in Member.objects.all()} == {same, other}
        assert [one.member.phone for one in outcomes if one.member] == [phone(1), phone(2)]

    def test_gives_up_when_nothing_is_free(
        self, db: None, noon: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = enrolment.enrol(newcomer=Newcomer(phone=phone(1)), at=noon)
        monkeypatch.setattr(codes, "member_number", lambda: first.number)
        with pytest.raises(RuntimeError):
            enrolment.enrol(newcomer=Newcomer(phone=phone(2)), at=noon)
        assert Member.objects.count() == 1


class TestEnrolAll:
    def test_answers_in_order_and_a_bad_one_stops_nobody(
        self, store: Store, noon: datetime, told: list[Any]
    ) -> None:
        known = enrolment.enrol(newcomer=Newcomer(phone=phone(9), name="Known"), at=noon)
        told.clear()
        outcomes = enrolment.enrol_all(
            newcomers=[
                Newcomer(phone=phone(3), name="C", store="SH-1"),
                Newcomer(phone="12345"),
                Newcomer(phone=phone(1), name="A"),
                Newcomer(phone=phone(9), name="Known"),
                Newcomer(phone=phone(9), name="Somebody else"),
                Newcomer(phone=phone(2), store="nowhere"),
                Newcomer(phone=phone(2), name="B"),
            ],
            at=noon,
        )
        assert [one.is_new for one in outcomes] == [True, False, True, False, False, False, True]
        assert [one.member.name if one.member else None for one in outcomes] == [
            *("C", None, "A", "Known", None, None, "B")
        ]
        problems = [one.problem for one in outcomes]
        assert [type(problem).__name__ for problem in problems] == [
            *("NoneType", "InvalidInput", "NoneType", "NoneType"),
            *("AlreadyEnrolled", "InvalidInput", "NoneType"),
        ]
        assert isinstance(problems[4], AlreadyEnrolled)
        assert problems[4].data == {"number": known.number}
        arrived = [one.member.pk for one in outcomes if one.is_new and one.member]
        assert told == [("enrolled", arrived, noon)]
        assert Member.objects.count() == TierChange.objects.count() == 4

    def test_the_same_again_is_neither_new_nor_a_problem(
        self, store: Store, noon: datetime
    ) -> None:
        people = [
            Newcomer(
                phone=phone(number),
                external_id=f"C{number}",
                name=f"Customer {number}",
                store="SH-1",
                birthday=date(1990, 1, 1),
                consents={"sms": True},
            )
            for number in range(5)
        ]
        people.append(Newcomer(phone=None, external_id="C9"))
        first = enrolment.enrol_all(newcomers=people, at=noon)
        again = enrolment.enrol_all(newcomers=people, at=noon + timedelta(days=1))
        assert all(one.is_new and one.problem is None for one in first)
        assert not any(one.is_new or one.problem for one in again)
        assert [one.member for one in again] == [one.member for one in first]
        assert Member.objects.count() == TierChange.objects.count() == 6
        assert Consent.objects.count() == 5

    @pytest.mark.parametrize(
        "said",
        [
            {"external_id": "C2"},
            {"name": "Other"},
            {"email": "other@example.com"},
            {"birthday": date(1991, 1, 1)},
            {"store": "SH-2"},
        ],
    )
    def test_the_same_phone_with_other_content_is_refused(
        self, store: Store, noon: datetime, said: dict[str, Any]
    ) -> None:
        content = {"external_id": "C1", "name": "Ada", "store": "SH-1"}
        person = Newcomer(phone=PHONE, birthday=date(1990, 1, 1), **content)  # type: ignore[arg-type]
        member = enrolment.enrol(newcomer=person, at=noon)
        before = Member.objects.values().get()
        other = Newcomer(phone=PHONE, **said)
        outcome = enrolment.enrol_all(newcomers=[other], at=noon)[0]
        assert isinstance(outcome.problem, AlreadyEnrolled)
        assert outcome.problem.data == {"number": member.number}
        assert (outcome.member, outcome.is_new) == (None, False)
        assert Member.objects.values().get() == before

    def test_what_is_left_out_is_no_other_content(self, db: None, noon: datetime) -> None:
        member = enrolment.enrol(newcomer=Newcomer(phone=PHONE, name="Ada"), at=noon)
        outcome = enrolment.enrol_all(newcomers=[Newcomer(phone=PHONE)], at=noon)[0]
        assert (outcome.member, outcome.problem) == (member, None)

    def test_duplicates_in_a_batch_are_judged_in_their_order(
        self, db: None, noon: datetime
    ) -> None:
        outcomes = enrolment.enrol_all(
            newcomers=[
                Newcomer(phone=phone(1), external_id="C1"),
                Newcomer(phone=phone(1), external_id="C1"),  # the same again
                Newcomer(phone=phone(1), external_id="C2"),  # known phone, other content
                Newcomer(phone=phone(2), external_id="C1"),  # external id of the first
                Newcomer(phone=phone(2), external_id="C2"),  # both still free
                Newcomer(phone=None, external_id="C2"),  # the one before, by its id
            ],
            at=noon,
        )
        first, fifth = outcomes[0].member, outcomes[4].member
        assert first is not None
        assert fifth is not None
        assert [one.is_new for one in outcomes] == [True, False, False, False, True, False]
        assert [one.member for one in outcomes] == [first, first, None, None, fifth, fifth]
        assert isinstance(outcomes[2].problem, AlreadyEnrolled)
        assert outcomes[2].problem.data == {"number": first.number}
        assert isinstance(outcomes[3].problem, InvalidInput)
        assert outcomes[3].problem.pointer == "/external_id"
        assert {one.pk for one in Member.objects.all()} == {first.pk, fifth.pk}
        assert all(one.member.pk for one in outcomes if one.member)

    def test_gives_what_the_same_newcomers_give_one_by_one(self, db: None, noon: datetime) -> None:
        people = [
            Newcomer(phone=phone(number % 7), external_id=f"C{number % 5}") for number in range(40)
        ]

        def told(outcomes: list[enrolment.Enrolment]) -> list[tuple[str, str]]:
            return [
                (one.member.phone or "" if one.member else "", type(one.problem).__name__)
                for one in outcomes
            ]

        together = told(enrolment.enrol_all(newcomers=people, at=noon))
        TierChange.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM loyalty_wallet")
        Member.objects.all().delete()
        apart = told([enrolment.enrol_all(newcomers=[one], at=noon)[0] for one in people])
        assert together == apart

    def test_takes_a_fixed_number_of_statements(self, store: Store, noon: datetime) -> None:
        referrer = enrolment.enrol(newcomer=Newcomer(phone=phone(99_999)), at=noon)

        def statements(first: int, count: int) -> int:
            people = [
                Newcomer(
                    phone=phone(number),
                    external_id=f"C{number}",
                    store="SH-1",
                    referral_code=referrer.referral_code,
                    consents={"sms": True},
                )
                for number in range(first, first + count)
            ]
            with CaptureQueriesContext(connection) as captured:
                outcomes = enrolment.enrol_all(newcomers=people, at=noon)
            assert all(one.is_new for one in outcomes)
            return len(captured)

        assert statements(0, 1) == statements(1, 1000) <= 12

    def test_an_empty_batch_is_no_work(self, db: None, noon: datetime, told: list[Any]) -> None:
        assert enrolment.enrol_all(newcomers=[], at=noon) == []
        assert told == []

    def test_wallets_are_open_from_the_first_moment(self, db: None, noon: datetime) -> None:
        from loyalty.models import Wallet

        people = [Newcomer(phone=phone(number)) for number in range(3)]
        enrolment.enrol_all(newcomers=people, at=noon)
        assert Wallet.objects.count() == 6


class TestChange:
    @pytest.fixture
    def member(self, store: Store, noon: datetime) -> Member:
        return enrolment.enrol(
            newcomer=Newcomer(phone=PHONE, name="Ada", store="SH-1", consents={"sms": True}),
            at=noon,
        )

    def test_changes_what_is_given_and_nothing_else(self, member: Member, noon: datetime) -> None:
        Store.objects.create(code="SH-2", name="徐家汇店")
        changed = enrolment.change(
            member=member,
            changes={
                "phone": "139 0000 0001",
                "email": "ada@example.com",
                "birthday": date(2000, 2, 29),
                "external_id": "CRM-1",
                "store": "SH-2",
            },
            at=noon,
        )
        changed.refresh_from_db()
        assert (changed.phone, changed.email) == (phone(1), "ada@example.com")
        assert (changed.birthday, changed.external_id) == (date(2000, 2, 29), "CRM-1")
        assert changed.store is not None
        assert (changed.store.code, changed.name) == ("SH-2", "Ada")
        assert changed.number == member.number

    def test_null_empties_what_may_be_empty(self, member: Member, noon: datetime) -> None:
        changes = {"phone": None, "external_id": "C1", "store": None, "birthday": None, "name": ""}
        changed = enrolment.change(member=member, changes=changes, at=noon)
        assert (changed.phone, changed.store, changed.birthday, changed.name) == (
            None,
            None,
            None,
            "",
        )

    def test_keeps_each_answer_with_its_moment(self, member: Member, noon: datetime) -> None:
        later = noon + timedelta(hours=1)
        changes = {"consents": {"sms": False, "email": True}}
        enrolment.change(member=member, changes=changes, at=later)
        enrolment.change(member=member, changes=changes, at=later + timedelta(hours=1))
        history = Consent.objects.order_by("id").values_list("purpose", "is_given", "at")
        assert list(history) == [
            ("sms", True, noon),
            ("sms", False, later),
            ("email", True, later),
        ]
        assert queries.consents_of(member) == {"sms": False, "email": True}

    def test_saying_what_is_known_writes_nothing(self, member: Member, noon: datetime) -> None:
        before = Member.objects.values().get()
        enrolment.change(
            member=member, changes={"phone": PHONE, "consents": {"sms": True}}, at=noon
        )
        enrolment.change(member=member, changes={}, at=noon)
        assert Member.objects.values().get() == before
        assert Consent.objects.count() == 1

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"phone": "12345"}, "/phone", "invalid"),
            ({"phone": None}, "/phone", "required"),
            ({"store": "nowhere"}, "/store", "unknown"),
            ({"birthday": date(2026, 11, 22)}, "/birthday", "max_value"),
            ({"name": "B", "email": "@"}, "/email", "invalid"),
            ({"name": None}, "/name", "invalid"),
            ({"number": "1"}, "/number", "unknown_field"),
            ({"name": "B", "external_id": "TAKEN"}, "/external_id", "taken"),
        ],
    )
    def test_points_at_bad_input_and_changes_nothing(
        self, member: Member, noon: datetime, changes: dict[str, Any], pointer: str, code: str
    ) -> None:
        enrolment.enrol(newcomer=Newcomer(phone=phone(2), external_id="TAKEN"), at=noon)
        before = list(Member.objects.order_by("id").values())
        with pytest.raises(InvalidInput) as problem:
            enrolment.change(member=member, changes=changes, at=noon)
        assert (problem.value.pointer, problem.value.code) == (pointer, code)
        assert list(Member.objects.order_by("id").values()) == before

    def test_refuses_the_phone_of_another_member(self, member: Member, noon: datetime) -> None:
        other = enrolment.enrol(newcomer=Newcomer(phone=phone(2)), at=noon)
        with pytest.raises(AlreadyEnrolled) as refusal:
            enrolment.change(member=member, changes={"phone": phone(2), "name": "B"}, at=noon)
        assert refusal.value.data == {"number": other.number}
        member.refresh_from_db()
        assert (member.phone, member.name) == (PHONE, "Ada")

    def test_refuses_a_closed_member(self, member: Member, noon: datetime) -> None:
        Member.objects.update(status=Member.Status.CLOSED)
        with pytest.raises(MemberClosed):
            enrolment.change(member=member, changes={"name": "B"}, at=noon)
        member.refresh_from_db()
        assert member.name == "Ada"


class TestRaces:
    """Over real connections: whoever commits first is enrolled, everybody else is told so."""

    def test_one_phone_makes_one_member(self, committed_db: Any, noon: datetime) -> None:
        def work(number: int) -> Member:
            person = Newcomer(phone=PHONE, name=f"Try {number}")
            return enrolment.enrol(newcomer=person, at=noon)

        results = committed_db.run_parallel(work, 60, connections_at_once=20)
        winners = [result for result in results if isinstance(result, Member)]
        assert len(winners) == 1
        refusals = [result for result in results if isinstance(result, AlreadyEnrolled)]
        assert len(refusals) == 59
        assert {refusal.data["number"] for refusal in refusals} == {winners[0].number}
        assert Member.objects.count() == TierChange.objects.count() == 1

    def test_batches_of_the_same_people_in_any_order_make_each_once(
        self, committed_db: Any, noon: datetime
    ) -> None:
        people = [Newcomer(phone=phone(n), external_id=f"C{n}") for n in range(50)]

        def work(number: int) -> list[enrolment.Enrolment]:
            turned = people[number:] + people[:number]
            if number % 2:
                turned.reverse()
            return enrolment.enrol_all(newcomers=turned, at=noon)

        results = committed_db.run_parallel(work, 20, connections_at_once=20)
        assert all(isinstance(result, list) for result in results), results
        outcomes = [one for result in results for one in result]
        assert sum(one.is_new for one in outcomes) == 50
        assert not any(one.problem for one in outcomes)
        assert len({one.member.pk for one in outcomes}) == Member.objects.count() == 50
        assert TierChange.objects.count() == 50

    def test_one_free_phone_goes_to_one_of_many(self, committed_db: Any, noon: datetime) -> None:
        members = [enrolment.enrol(newcomer=Newcomer(phone=phone(n)), at=noon) for n in range(20)]

        def work(number: int) -> Member:
            return enrolment.change(member=members[number], changes={"phone": PHONE}, at=noon)

        results = committed_db.run_parallel(work, 20, connections_at_once=20)
        assert sum(isinstance(result, Member) for result in results) == 1
        assert sum(isinstance(result, AlreadyEnrolled) for result in results) == 19
