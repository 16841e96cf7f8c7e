"""The recipe against figures that were worked out with openssl and bc."""

from collections import Counter

import pytest

from rewards.draw_recipe import Prize, Ticket, drawn, in_stock, recompute, seed_hash, winner

SEED = bytes(range(32))
MEMBER = "123456789015"
A, B, C = Prize(id=1, weight=1, stock=1), Prize(id=2, weight=2, stock=2), Prize(id=3, weight=3)

# $ echo -n "spring-1:123456789015:1" | openssl dgst -sha256 -mac HMAC -macopt hexkey:00010203…1f
DIGESTS = [
    "26647ee56e9069fb7d011c61e0c61e8fbe27efdeac3765df5a32ab223abe71ea",
    "c9fddc0be7a3e2a83c57242c96c733f1f706293bc034c5c3c1d0f93cbd27e07f",
    "6f03fa90696875272764457ceb7fa994524403cf7d4e44e0ba2cdb6274bd588b",
    "e56097cc42ddde3c2ddac826c74204b5bd27ac0554a3b455cb1b6bc131a27166",
    "7877ba54560a95eb05fa18d54e463b1c5cf9d65a6c994386ab4002675726845d",
    "2b0ba826627de26bf92d73668610e6cb6f21c83ab3739abd59a4729df379096e",
]
# Modulo 6 they are 2, 5, 5 and 2; then B is gone, and modulo 4 they are 1 and 2.
WON = [2, 3, 3, 2, 3, 3]
TICKETS = [
    Ticket(number=number, member=MEMBER, digest=digest, prize=prize)
    for number, (digest, prize) in enumerate(zip(DIGESTS, WON, strict=True), 1)
]
HASH = "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"


class TestSeedHash:
    def test_is_the_sha_256_of_the_bytes(self):
        assert seed_hash(SEED) == HASH


class TestDrawn:
    @pytest.mark.parametrize("number", range(1, 7))
    def test_is_the_hmac_of_round_member_and_ticket(self, number: int):
        found = drawn(seed=SEED, round_id="spring-1", member=MEMBER, number=number)
        assert found == DIGESTS[number - 1]


class TestWinner:
    @pytest.mark.parametrize(("number", "prize"), [(1, B), (2, C), (3, C), (4, B)])
    def test_is_where_the_remainder_falls_in_published_order(self, number: int, prize: Prize):
        assert winner(digest=DIGESTS[number - 1], in_stock=[A, B, C]) == prize

    @pytest.mark.parametrize("number", [5, 6])
    def test_shares_the_weight_of_a_prize_that_is_gone_among_the_others(self, number: int):
        assert winner(digest=DIGESTS[number - 1], in_stock=[A, C]) == C

    def test_gives_each_prize_exactly_its_weight_of_all_remainders(self):
        prizes = [Prize(id=id_, weight=weight) for id_, weight in enumerate([7, 1, 500, 92], 1)]
        found = Counter(winner(digest=f"{rest:064x}", in_stock=prizes).id for rest in range(600))
        assert found == {1: 7, 2: 1, 3: 500, 4: 92}

    def test_reads_the_digest_with_the_most_significant_byte_first(self):
        # 0x0100 = 256 leaves 1 of 3, read the other way round it would be 1 as well; 0x0200 tells them apart.
        assert winner(digest="0200", in_stock=[A, B]).id == 2
        assert winner(digest="0300", in_stock=[A, B]).id == 1


class TestInStock:
    def test_leaves_out_what_was_won_as_often_as_there_was(self):
        assert in_stock(prizes=[A, B, C], won={}) == [A, B, C]
        assert in_stock(prizes=[A, B, C], won={1: 1, 2: 1, 3: 9}) == [B, C]
        assert in_stock(prizes=[Prize(id=9, weight=1, stock=0)], won={}) == []


class TestRecompute:
    def recompute(self, tickets: list[Ticket], published_hash: str = HASH, seed: bytes = SEED):
        return recompute(
            round_id="spring-1",
            seed=seed,
            published_hash=published_hash,
            prizes=[A, B, C],
            tickets=tickets,
        )

    def test_finds_every_ticket_as_it_was_published(self):
        found = self.recompute(TICKETS)
        assert (found.tickets, found.differences, found.is_right) == (6, [], True)

    def test_finds_a_prize_that_was_changed(self):
        forged = Ticket(number=4, member=MEMBER, digest=DIGESTS[3], prize=1)
        found = self.recompute([*TICKETS[:3], forged])
        assert not found.is_right
        assert found.differences == [
            f"ticket 4 draws {DIGESTS[3]} and wins prize 2, published were {DIGESTS[3]} and 1"
        ]

    def test_finds_a_member_that_was_changed(self):
        forged = Ticket(number=1, member="123456789023", digest=DIGESTS[0], prize=2)
        (difference,) = self.recompute([forged]).differences
        assert difference.startswith("ticket 1 draws ")

    def test_finds_a_ticket_that_was_left_out(self):
        found = self.recompute([TICKETS[0], *TICKETS[2:]])
        assert found.differences == ["ticket 2 is missing: 3 comes next"]

    def test_finds_another_seed_than_was_promised(self):
        found = self.recompute([], seed=bytes(32))
        assert found.differences == [
            f"the SHA-256 of the seed is {seed_hash(bytes(32))}, published was {HASH}"
        ]
